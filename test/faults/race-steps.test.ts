// A deleteAll of very many tokens runs in small steps, and what happens between them saves no token.
import { assert } from 'chai';
import { type TokenRecord, TokenRevokedError } from '../../src/index.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { SCRIPTS } from '../../src/redis/scripts.generated.js';
import { Store } from '../../src/redis/store.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { Stage } from '../queue/stage.js';
import { Chance } from '../support/chance.js';
import { rejection } from '../support/eventually.js';
import { moveIntoPast } from '../support/time-travel.js';
import { Sender } from './held-client.js';
import { create, deleteAll, endInSteps, PATIENT, refresh, STEP } from './steps.js';

const MANY = 10_000;

describe('A deleteAll in steps', function () {
  this.timeout(60_000);
  const stage = new Stage();
  const chance = Chance.ofEachTest();

  it(`of ${MANY} tokens ends at most ${STEP} at once, and lets others in between`, () =>
    endInSteps(stage, MANY));

  it('leaves nothing that was issued before it, and nothing else is harmed', async () => {
    const { repository, between } = await stepping();
    const other = stage.repository(PATIENT);
    await other.ready();
    const past = other.now();
    const owner = 'ann';
    const old = await Promise.all(
      Array.from({ length: 3_000 }, () => create(other, { owner, duration: chance.int(600, 1_200) })),
    );
    const young: TokenRecord[] = [];
    let refused = 0;
    const steps = await between(
      async () => {
        for (let i = 0; i < 5; i++) {
          young.push(await create(other, { owner, duration: chance.int(600, 1_200) }));
          const moved = chance.pick(old);
          assert.isUndefined(await refresh(other, moved.id, chance.int(300, 1_500)));
          const kept = chance.pick(young);
          assert.isDefined(await refresh(other, kept.id, chance.int(300, 1_500)));
          const late = await rejection(create(other, { owner, issuedAt: past + chance.int(0, 1_000) }));
          assert.instanceOf(late, TokenRevokedError);
          refused++;
        }
      },
      () => deleteAll(repository, { owner }),
    );
    assert.isAbove(steps, 10);
    assert.equal(refused, 5 * steps);
    const left = (await stage.redis.keys(`{${stage.prefix}:0}:t:*`)).map((key) => key.slice(-22));
    assert.sameMembers(
      left,
      young.map(({ id }) => id),
    );
    const indexed = await stage.redis.zrange(`{${stage.prefix}:0}:o:shop:session:${owner}`, '0', '-1');
    assert.sameMembers(indexed, left);
  });

  const MOVES = {
    'is refreshed from behind the place of the pass to before it': { from: 1_200, to: 300 },
    'slips to before it, because one of before it is refreshed to the end': { from: 900, to: 900 },
  };
  for (const [move, plan, waited] of Object.entries(MOVES).flatMap(([name, moved]) => [
    [name, moved, 0] as const,
    [`${name}, although it waited for longer than marks are kept`, moved, 1_000] as const,
  ])) {
    it(`ends an old token among younger ones that ${move}, whenever it does`, async () => {
      const { repository, between } = await stepping();
      const other = stage.repository(PATIENT);
      await other.ready();
      for (let at = 1; at <= 6; at++) {
        const owner = `owner-${at}`;
        const old = await create(other, { owner, duration: waited + plan.from });
        const issuedAt = other.now() - waited * 1_000_000;
        // More than one step takes, and none of them old enough: the pass that sees them may be the last.
        const young = await Promise.all(
          Array.from({ length: STEP + 200 }, (_, i) =>
            create(other, { owner, duration: waited + 600 + i / 4 }),
          ),
        );
        if (waited > 0) await moveIntoPast(stage.redis, stage.prefix, waited * 1_000);
        let step = 0;
        const steps = await between(
          async () => {
            step++;
            if (plan.from === plan.to) {
              const first = young[step - 1] as TokenRecord;
              assert.isDefined(await refresh(other, first.id, 1_500));
            } else if (step === at) {
              await refresh(other, old.id, plan.to);
            }
          },
          () => deleteAll(repository, { owner, issuedAt, job: true }),
        );
        assert.isAtLeast(steps, 6);
        assert.isNull(await stage.redis.get(`{${stage.prefix}:0}:t:${old.id}`), `moved after step ${at}`);
        const left = await stage.redis.zcard(`{${stage.prefix}:0}:o:shop:session:${owner}`);
        assert.equal(left, young.length);
      }
    });
  }

  /** A repository between whose steps something can be done. */
  async function stepping() {
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
      /** Does something after each step but the last; answers how often it did. */
      async between(act: () => Promise<void>, run: () => Promise<unknown>): Promise<number> {
        let begun = 0;
        sender.beforeScript = async ([sha]) => {
          if (sha === SCRIPTS.deleteAll.sha && begun++ > 0) await act();
        };
        await run();
        sender.beforeScript = () => {};
        return begun - 1;
      },
    };
  }
});
