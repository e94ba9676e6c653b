// A server that is killed and comes back from its append-only file has forgotten nothing that was acknowledged.
import { assert } from 'chai';
import { StoreUnavailableError } from '../../src/index.js';
import { CommandExecutor, executorRules } from '../../src/queue/executor.js';
import { type CommandResult, toWire } from '../../src/queue/wire.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import { buildCommand, type CommandFields } from '../../src/tokens/commands.js';
import type { Operation } from '../../src/tokens/operations.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { Chance } from '../support/chance.js';
import { eventually, rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { audit } from './redis-audit.js';
import { Ledger } from './redis-ledger.js';
import { admit, type Patient } from './redis-patient.js';

const SCOPE = { app: 'shop', type: 'session' };
const CRASHES = 6;

describe('A server that was killed and is back from its append-only file', function () {
  this.timeout(60_000);
  const opened = new Opened();
  const chance = Chance.ofEachTest();

  async function crash(patient: Patient): Promise<void> {
    patient.server.kill('SIGKILL');
    await patient.server.exited;
    await patient.restart();
  }

  it(`holds every change that was acknowledged, ${CRASHES} times over`, async () => {
    const ledger = new Ledger(await admit(opened), chance);
    for (let i = 0; i < CRASHES; i++) await ledger.round(true);
    assert.isAbove(ledger.counts().done, CRASHES);
  });

  it('answers a job again as it did before, and refuses a create that comes after its revocation', async () => {
    const patient = await admit(opened);
    const options = { prefix: freshPrefix() };
    const resolved = resolveTokenOptions(options);
    const store = new Store(patient.server.url, 5_000);
    const repository = opened.add(new RedisTokenRepository(store, resolved));
    const executor = new CommandExecutor(repository, executorRules(options));
    await repository.ready();

    const job = <O extends Operation>(op: O, fields: CommandFields<O>) => {
      const command = buildCommand(op, {
        ...SCOPE,
        ...fields,
        issuedAt: repository.now(),
      } as CommandFields<O>);
      const lane = op === 'delete' || op === 'deleteAll' ? ('revocations' as const) : ('commands' as const);
      return { lane, id: `j-${op}`, data: { v: 1, replyTo: null, commands: [toWire(command, `c-${op}`)] } };
    };
    const run = async (given: ReturnType<typeof job>) =>
      (await executor.execute(given, 30_000, async () => {}))[0] as CommandResult;
    const [mine, late] = ['M'.repeat(22), 'L'.repeat(22)] as const;
    const token = { owner: 'ann', data: { n: 0 }, duration: 3_600 };
    const createMine = job('create', { ...token, id: mine });
    const createLate = job('create', { ...token, id: late });
    const createOwned = job('create', { ...token, id: 'O'.repeat(22), owner: 'bob' });
    const updateMine = job('update', { id: mine, data: { n: 1 } });
    const deleteLate = job('delete', { id: late });
    const first = await run(createMine);
    assert.equal(first.status, 'completed');
    const second = await run(updateMine);
    assert.deepInclude(second.value as object, { version: 2 });
    assert.deepInclude(await run(deleteLate), { status: 'completed', value: false });
    assert.deepInclude(await run(job('deleteAll', { owner: 'bob' })), { status: 'completed', value: 0 });

    await crash(patient);
    assert.deepInclude((await run(createMine)).value as object, { id: mine, version: 2 }, 'as of now');
    assert.deepEqual(await run(updateMine), second);
    for (const create of [createLate, createOwned]) {
      assert.deepInclude((await run(create)).error as object, { code: 'TOKEN_REVOKED' });
    }
    assert.deepInclude(await run(deleteLate), { status: 'completed', value: false });
    const found = await audit(patient.nurse, options.prefix);
    assert.deepEqual([...found.live], [[mine, 2]]);
    assert.equal(found.count(mine, 'update'), 1);
  });

  it('in the midst of a deleteAll of thousands holds a part of it, whole, and the next one ends the rest', async () => {
    const patient = await admit(opened, ['--appendonly', 'yes', '--save', '']);
    const prefix = freshPrefix();
    const tokens = patient.open(patient.server.url, prefix, 20_000); // where much goes on besides
    const owned = { ...SCOPE, owner: 'ann' };
    const many = 6_000;
    const made = await Promise.all(
      Array.from({ length: many }, () => tokens.create({ ...owned, duration: 3_600 })),
    );
    await patient.nurse.config('SET', 'appendfsync', 'always');
    const index = `{${prefix}:0}:o:shop:session:ann`;
    const revoking = rejection<StoreUnavailableError>(tokens.deleteAll(owned));
    await eventually('it has begun', async () => (await patient.nurse.zcard(index)) < many);
    await crash(patient);
    const error = await revoking;
    assert.instanceOf(error, StoreUnavailableError);
    assert.equal(error.outcome, 'unknown');
    const before = await audit(patient.nurse, prefix);
    assert.isAbove(before.live.size, 0);
    assert.isBelow(before.live.size, many);
    assert.equal(await tokens.deleteAll(owned), before.live.size);
    const after = await audit(patient.nurse, prefix);
    assert.equal(after.live.size, 0);
    for (const { id } of made) assert.equal(after.count(id, 'delete'), 1);
  });
});
