// What ends very many goes in small steps: what happens between them saves none of them, and harms nothing else.
import { randomBytes } from 'node:crypto';
import { assert } from 'chai';
import { TokenRevokedError } from '../../src/index.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { SCRIPTS } from '../../src/redis/scripts.generated.js';
import { Store } from '../../src/redis/store.js';
import { buildCommand, type Commands } from '../../src/tokens/commands.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { Chance } from '../support/chance.js';
import { rejection } from '../support/eventually.js';
import { Sender } from './held-client.js';
import { create, PATIENT, refresh, rotate } from './steps.js';

const MANY = 1_500;

describe('In steps', function () {
  this.timeout(60_000);
  const stage = new Stage();
  const chance = Chance.ofEachTest();

  for (const operation of ['deleteScope', 'deleteApp'] as const) {
    it(`a ${operation} leaves nothing that was issued before it, and what is made meanwhile alone`, async () => {
      const { repository, between, attempt } = await stepping('deleteScope');
      const other = stage.repository(PATIENT);
      await other.ready();
      const past = other.now();
      const old = await Promise.all(
        Array.from({ length: MANY }, (_, i) =>
          create(other, { owner: `o${i % 9}`, duration: chance.int(600, 1_200) }),
        ),
      );
      const young: string[] = [];
      let ended = 0;
      const steps = await between(
        async () => {
          young.push((await create(other, { owner: 'o1', duration: chance.int(600, 1_200) })).id);
          assert.isUndefined(await refresh(other, chance.pick(old).id, chance.int(300, 1_500)));
          assert.isDefined(await refresh(other, chance.pick(young), chance.int(300, 1_500)));
          const late = await rejection(create(other, { owner: 'new', issuedAt: past }));
          assert.instanceOf(late, TokenRevokedError);
        },
        async () => {
          const { app } = SCOPE;
          const issuedAt = repository.now();
          ended =
            operation === 'deleteApp'
              ? await repository.deleteApp(buildCommand('deleteApp', { app, issuedAt }), attempt())
              : await repository.deleteScope(buildCommand('deleteScope', { ...SCOPE, issuedAt }), attempt());
        },
      );
      assert.isAtLeast(steps, MANY / 200);
      assert.isAtLeast(ended, MANY - steps, 'but for those that met its mark');
      assert.sameMembers(await left(), young);
    });
  }

  it('a deleteAll but one leaves the one, whatever becomes of it between two steps', async () => {
    const { repository, between, attempt } = await stepping('deleteAll');
    const other = stage.repository(PATIENT);
    await other.ready();
    const owner = 'ann';
    const old = await many(other, owner);
    const one = chance.pick(old).id;
    let ended = 0;
    let more = 0;
    await between(
      async () => {
        assert.isDefined(await refresh(other, one, chance.int(300, 1_500)));
        const another = chance.pick(old).id;
        if (another !== one) assert.isUndefined(await refresh(other, another, 900));
        more++;
      },
      async () => {
        const command: Commands['deleteAll'] = buildCommand('deleteAll', {
          ...{ ...SCOPE, owner, except: one },
          issuedAt: repository.now(),
        });
        ended = await repository.deleteAll(command, attempt());
      },
    );
    assert.isAtLeast(more, 3);
    assert.isAtLeast(ended, MANY - 1 - more);
    assert.deepEqual(await left(), [one]);
  });

  it('a deleteAll but one leaves what takes the place of the one, and nothing that takes the place of another', async () => {
    const { repository, between, attempt } = await stepping('deleteAll');
    const other = stage.repository(PATIENT);
    await other.ready();
    const owner = 'ann';
    const old = await many(other, owner);
    let one = chance.pick(old).id;
    const except = one;
    let rotations = 0;
    await between(
      async () => {
        assert.isUndefined(await rotate(other, chance.pick(old.filter(({ id }) => id !== except)).id, 300));
        one = (await rotate(other, one, chance.int(300, 1_500))) as string;
        assert.isDefined(one);
        rotations++;
      },
      () =>
        repository.deleteAll(
          buildCommand('deleteAll', { ...SCOPE, owner, except, issuedAt: repository.now() }),
          attempt(),
        ),
    );
    assert.isAtLeast(rotations, 3);
    const records = await stage.redis.mget((await left(false)).map((id) => `{${stage.prefix}:0}:t:${id}`));
    assert.lengthOf(
      records.filter((text) => !text?.startsWith('[0,')),
      1,
    );
    assert.isDefined(await refresh(other, one, 600));
  });

  it('two deleteAll but the same one, of which one runs between steps of the other, leave what takes its place', async () => {
    const { repository, between, attempt } = await stepping('deleteAll');
    const other = stage.repository(PATIENT);
    await other.ready();
    const owner = 'ann';
    const old = await many(other, owner);
    const except = chance.pick(old).id;
    const deleteAll = (door: RedisTokenRepository) =>
      door.deleteAll(buildCommand('deleteAll', { ...SCOPE, owner, except, issuedAt: door.now() }), {
        ...attempt(),
        ...job('but one'),
      });
    let successor: string | undefined;
    await between(
      async () => {
        if (successor) return;
        await deleteAll(other);
        successor = await rotate(other, except, 1_200); // behind all that is still to come
      },
      () => deleteAll(repository),
    );
    assert.include(await left(false), successor);
    assert.isDefined(await refresh(other, successor as string, 600));
  });

  it('a deleteAll that was issued before one that spared a token ends it, wherever that goes meanwhile', async () => {
    const { repository, between, attempt } = await stepping('deleteAll');
    const other = stage.repository(PATIENT);
    await other.ready();
    const owner = 'ann';
    const one = (await create(other, { owner, duration: 1_200 })).id;
    const issuedAt = other.now();
    // Younger than the one that waited: they stay, and make it go in steps.
    await Promise.all(
      Array.from({ length: MANY }, (_, i) => create(other, { owner, duration: 600 + i / 10 })),
    );
    const except = buildCommand('deleteAll', { ...SCOPE, owner, except: one, issuedAt: issuedAt + 1 });
    await repository.deleteAll(except, { ...attempt(), ...job('but one') });
    let step = 0;
    await between(
      async () => {
        if (step++ === 1) assert.isUndefined(await refresh(other, one, 300), 'it is met by the older mark');
      },
      () =>
        repository.deleteAll(buildCommand('deleteAll', { ...SCOPE, owner, issuedAt }), {
          ...attempt(),
          ...job('all'),
        }),
    );
    assert.isAbove(step, 2);
    assert.notInclude(await left(), one);
    assert.lengthOf(await left(), MANY);
  });

  const many = (door: RedisTokenRepository, owner: string) =>
    Promise.all(
      Array.from({ length: MANY }, () => create(door, { owner, duration: chance.int(600, 1_200) })),
    );

  const job = (commandId: string) => ({
    commandId,
    job: { queue: 'revocations', id: randomBytes(8).toString('hex'), issuedAt: 1 },
  });

  /** The ids of the records that there are. */
  async function left(isEach = true): Promise<string[]> {
    const [records, members] = await Promise.all([
      stage.redis.keys(`{${stage.prefix}:0}:t:*`),
      stage.redis.zrange(`{${stage.prefix}:0}:s:${SCOPE.app}:${SCOPE.type}`, '0', '-1'),
    ]);
    const ids = records.map((key) => key.slice(-22));
    if (isEach)
      assert.sameMembers(
        members.map((member) => member.slice(0, 22)),
        ids,
      );
    return ids;
  }

  /** A repository between whose steps something can be done. */
  async function stepping(script: 'deleteAll' | 'deleteScope') {
    const sender = new Sender();
    const client = sender.client(stage.url);
    stage.opened.later(client, () => client.disconnect());
    const resolved = resolveTokenOptions({ prefix: stage.prefix, ...PATIENT });
    const repository = stage.opened.add(
      new RedisTokenRepository(new Store(client, resolved.timeout), resolved),
    );
    await repository.ready();
    return {
      repository,
      attempt: () => ({ until: repository.now() + 60_000_000 }),
      /** Does something after each step but the last; answers how often it did. */
      async between(act: () => Promise<void>, run: () => Promise<unknown>): Promise<number> {
        let begun = 0;
        sender.beforeScript = async ([sha]) => {
          if (sha === SCRIPTS[script].sha && begun++ > 0) await act();
        };
        await run();
        sender.beforeScript = () => {};
        return begun - 1;
      },
    };
  }
});
