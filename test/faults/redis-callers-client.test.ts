// On a caller's own client, with ioredis' defaults, calls are bounded as well; that it resends is told by `unknown`.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { type RedisTokens, StoreUnavailableError } from '../../src/index.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { SCRIPTS } from '../../src/redis/scripts.generated.js';
import { Store } from '../../src/redis/store.js';
import { buildCommand } from '../../src/tokens/commands.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { eventually, rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { audit } from './redis-audit.js';
import { admit, type Patient } from './redis-patient.js';
import { isChange, shown, Trial, through, timesMade, verdict } from './redis-trial.js';

const SCOPE = { app: 'shop', type: 'session' };
const TIMEOUT = 500;
const BOUND = 3 * TIMEOUT;

describe('On a caller’s own client', function () {
  this.timeout(60_000);
  const opened = new Opened();
  let patient: Patient;
  let client: Redis;
  let prefix: string;
  let tokens: RedisTokens;

  beforeEach(async () => {
    patient = await admit(opened);
    prefix = freshPrefix();
    client = new Redis(patient.way.url);
    client.on('error', () => {});
    opened.later(client, () => client.disconnect());
    tokens = patient.open(client, prefix, TIMEOUT);
    await tokens.ready();
  });

  for (const [what, hinder, relieve] of [
    ['that lost its connection', () => patient.server.stop(), () => patient.restart()],
    [
      'whose server hangs',
      async () => patient.server.kill('SIGSTOP'),
      async () => patient.server.kill('SIGCONT'),
    ],
  ] as const) {
    it(`${what}, operations reject in time, and nothing of it happens when it is back`, async () => {
      const trial = new Trial(patient.nurse, prefix);
      const [meanwhile, again] = [await trial.prepare(tokens), await trial.prepare(tokens)];
      await hinder();
      for (const attempted of await trial.run(meanwhile, through(tokens))) {
        assert.isBelow(attempted.ms, BOUND, shown(attempted));
        assert.instanceOf(attempted.error, StoreUnavailableError, shown(attempted));
        // Its offline queue and its resends may bring it to Redis yet.
        if (isChange(attempted.name)) assert.include(['none', 'unknown'], verdict(attempted));
      }
      await relieve();
      const isBack = () =>
        tokens.ready().then(
          () => true,
          () => false,
        );
      await eventually('it is back', isBack);
      for (const attempted of await trial.run(again, through(tokens))) {
        assert.isUndefined(attempted.error, shown(attempted));
      }
      await trial.check();
      // The client sends what it had kept; its time is up.
      const found = await audit(patient.nurse, prefix);
      for (const { name, id } of meanwhile) {
        if (isChange(name)) assert.equal(timesMade(found, name, id), 0, name);
      }
    });
  }

  it('a change that it sends again after its time is unknown to its caller, and refused', async () => {
    const { id } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, customToken: 'mine' });
    const sent: string[] = [];
    patient.way.onSent = (text) => sent.push(text);
    const copies = () => sent.join('').split(SCRIPTS.delete.sha).length - 1;
    patient.server.kill('SIGSTOP');
    const error = await rejection<StoreUnavailableError>(tokens.delete({ ...SCOPE, token: 'mine' }));
    assert.instanceOf(error, StoreUnavailableError);
    assert.equal(error.outcome, 'unknown');
    await wait(50); // more than the error of the reckoned clock
    patient.way.cut();
    patient.server.kill('SIGCONT');
    await eventually('it is sent again', () => copies() === 2);
    await client.ping(); // behind it
    const { count, live } = await audit(patient.nurse, prefix);
    assert.equal(count(id, 'delete'), 0);
    assert.equal(live.get(id), 1);
  });

  it('a change whose answer is lost is sent again: a create is one, and an update may be two', async () => {
    const sent: string[] = [];
    patient.way.onSent = (text) => sent.push(text);
    const lose = async <T>(digest: string, call: () => Promise<T>): Promise<T> => {
      sent.length = 0;
      patient.way.deafen();
      const answer = call();
      await eventually('it is sent', () => sent.join('').includes(digest));
      await patient.nurse.ping(); // what came before is done
      patient.way.cut();
      return answer;
    };
    const slow = patient.open(client, prefix, 5_000);
    const custom = { ...SCOPE, owner: 'ann', duration: 60, customToken: 'mine' };
    const generated = { ...SCOPE, owner: 'ann', duration: 60 };
    for (const name of ['create', 'update'] as const) await patient.nurse.script('LOAD', SCRIPTS[name].lua);
    await slow.ready();
    const first = await lose(SCRIPTS.create.sha, () => slow.create(custom));
    assert.equal(first.version, 1);
    await slow.ready();
    const second = await lose(SCRIPTS.create.sha, () => slow.create(generated));
    assert.equal(second.version, 1);
    await slow.ready();
    const updated = await lose(SCRIPTS.update.sha, () =>
      slow.update({ ...SCOPE, token: 'mine', data: { n: 1 } }),
    );
    assert.include([2, 3], updated?.version);
    const { count } = await audit(patient.nurse, prefix);
    assert.equal(count(first.id, 'create'), 1);
    assert.equal(count(second.id, 'create'), 1);
    assert.equal(count(first.id, 'update'), (updated?.version ?? 0) - 1);
  });

  it('a refusal by deadline is unknown, and on one of ours it is none', async () => {
    const resolved = resolveTokenOptions({ prefix });
    for (const [connection, outcome] of [
      [client, 'unknown'],
      [patient.server.url, 'none'],
    ] as const) {
      const repository = new RedisTokenRepository(new Store(connection, TIMEOUT), resolved);
      opened.add(repository);
      await repository.ready();
      const issuedAt = repository.now();
      const command = buildCommand('delete', { ...SCOPE, id: 'A'.repeat(22), issuedAt });
      const error = await rejection<StoreUnavailableError>(
        repository.delete(command, { until: issuedAt - 1_000_000 }),
      );
      assert.instanceOf(error, StoreUnavailableError);
      assert.equal(error.outcome, outcome);
    }
  });
});
