// Both repositories do the same, whatever is asked of them: random commands, in any order, late and twice.
import { assert } from 'chai';
import fc from 'fast-check';
import { MICROS_PER_MS } from '../../src/tokens/clock.js';
import type { Command } from '../../src/tokens/commands.js';
import { TokenError, VersionConflictError } from '../../src/tokens/errors.js';
import type { JobReference } from '../../src/tokens/repository.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { seeded } from '../support/chance.js';
import { onCluster } from '../support/redis.js';
import { openMemorySubject } from './memory-subject.js';
import { openRedisSubject } from './redis-subject.js';
import type { OpenSubject } from './subject.js';
import { type Issue, MAX_COMMAND_AGE, newId, SECOND, World } from './world.js';

// Lives end at half seconds and all else happens at whole ones, so that no answer depends on who is quicker.
const seconds = fc.nat(20);
const duration = fc.integer({ min: 0, max: 40 }).map((whole) => whole + 0.5);
const TOKENS = 6;
const id = fc.nat(TOKENS - 1);
const owner = fc.constantFrom('ann', 'bob');
const maybeOwner = fc.constantFrom('ann', 'bob', undefined);
const app = fc.constantFrom('shop', 'shop', 'shop', 'mill');
/** By which of its two ids a token is presented: one alone, or one as the newest and the other as a former one. */
const by = fc.constantFrom('one', 'one', 'other', 'both', 'both', 'the other way round');
const issue = {
  ago: fc.oneof(fc.constant(0), seconds, fc.constantFrom(-3, -6, 899, 901)),
  queued: fc.boolean(),
};

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('create'),
      id,
      by,
      app,
      owner,
      duration,
      custom: fc.boolean(),
      idle: fc.option(duration, { nil: undefined }),
      limit: fc.option(
        fc.record({ max: fc.integer({ min: 1, max: 3 }), overflow: fc.constantFrom('reject', 'end-oldest') }),
        { nil: undefined },
      ),
      ...issue,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('update'),
      id,
      by,
      app,
      key: fc.constantFrom('a', 'b'),
      value: fc.option(fc.nat(9)),
      ifVersion: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      ...issue,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('refresh'), id, by, app, duration, ...issue }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('rotate'),
      id,
      by,
      app,
      successor: id,
      life: fc.option(duration),
      grace: fc.oneof(fc.constant(0), duration),
      ...issue,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete'), id, by, app, ...issue }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('deleteAll'),
      app,
      owner,
      except: fc.option(fc.nat(3), { nil: undefined }),
      by,
      ...issue,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('consume'), id, by, app, ...issue }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('getById'), id, by, app, owner: maybeOwner }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('deleteById'), id, by, app, owner: maybeOwner, ...issue }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom('deleteScope', 'deleteApp'), app, ...issue }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('list'), app, owner }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('get'), id, by, app, touch: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('touch'), id, by, app, ago: seconds, every: duration }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('count'), app, of: fc.option(owner, { nil: undefined }) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('owners'), app }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('again', 'giveUp', 'takeUp'), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('sweep') }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('advance'), by: fc.oneof(seconds, fc.constant(900)) }),
  },
);

type Step = (typeof step extends fc.Arbitrary<infer S> ? S : never) & Record<string, unknown>;

/** A command from a queue, to be run again: it grows older where the stored world is moved instead of the clock. */
interface Queued {
  run: (issue: Issue) => Promise<unknown>;
  issue: Issue & { issuedAt: number; job: JobReference; commandId: string };
  /** What of the command tells where it is decided. */
  command: object;
}

class Player {
  readonly #world: World;
  readonly #ids: string[];
  readonly #movesWorld: boolean;
  readonly #queued: Queued[] = [];
  #advanced = 0;
  #rotations = 0;

  constructor(world: World, ids: string[], movesWorld: boolean) {
    this.#world = world;
    this.#ids = ids;
    this.#movesWorld = movesWorld;
  }

  /** What came of a step, without what differs between two stores: times. */
  async play(step: Step): Promise<unknown> {
    try {
      return simplify(await this.#run(step));
    } catch (error) {
      if (error instanceof VersionConflictError) return `version ${error.currentVersion}`;
      if (error instanceof TokenError) return error.code;
      throw error;
    }
  }

  async facts(): Promise<string[]> {
    for (const app of ['shop', 'mill'])
      for (const owner of ['ann', 'bob']) await this.#world.list(owner, { app });
    const facts = (await this.#world.facts()).map((fact) => {
      const named = { ...fact, subject: String(this.#ids.indexOf(fact.subject)) };
      if (fact.successor) named.successor = String(this.#ids.indexOf(fact.successor));
      // Which command met an overdue token is left to the repository.
      if (fact.type === 'token-expired') delete named.commandId;
      return JSON.stringify(named);
    });
    return facts.sort();
  }

  #run(step: Step): Promise<unknown> {
    const world = this.#world;
    const { id, formerIds } = this.#presented(step.id as number, step.by);
    const { app, owner, duration, custom, idle, limit, ifVersion } = step as {
      app: string;
      owner: string;
      duration: number;
    } & Record<string, unknown>;
    switch (step.op) {
      case 'create':
        return this.#change(step, (issue) =>
          world.create({
            id,
            formerIds,
            app,
            owner,
            duration,
            custom,
            idle,
            limit,
            data: { owner },
            ...issue,
          }),
        );
      case 'update':
        return this.#change(step, (issue) =>
          world.update(id, { [step.key as string]: step.value }, { app, formerIds, ifVersion, ...issue }),
        );
      case 'refresh':
        return this.#change(step, (issue) => world.refresh(id, duration, { app, formerIds, ...issue }));
      case 'rotate': {
        const successor = this.#ids[step.successor as number] as string;
        // Two rotations of a step are two senders': their nonces differ.
        const nonce = `nonce-of-a-rotation-${String(this.#rotations++).padStart(4, '0')}`;
        const { life, grace } = step as { life: number | null; grace: number };
        const fields = { app, formerIds, successor, nonce, grace, ...(life !== null && { duration: life }) };
        return this.#change(step, (issue) => world.rotate(id, { ...fields, ...issue }));
      }
      case 'delete':
        return this.#change(step, (issue) => world.delete(id, { app, formerIds, ...issue }));
      case 'deleteAll':
        return this.#change(step, (issue) => {
          const excepted = this.#presented(step.except as number | undefined, step.by);
          return world.deleteAll(owner, {
            app,
            except: excepted.id,
            formerIds: excepted.formerIds,
            ...issue,
          });
        });
      case 'consume':
        return this.#change(step, (issue) => world.consume(id, { app, formerIds, ...issue }));
      case 'getById':
        return world.getById(id, { app, owner });
      case 'deleteById':
        return this.#change(step, (issue) => world.deleteById(id, { app, owner, ...issue }));
      case 'deleteScope':
        return this.#change(step, (issue) => world.deleteScope({ app, ...issue }));
      case 'deleteApp':
        return this.#change(step, (issue) => world.deleteApp({ app, ...issue }));
      case 'list':
        return world.list(owner, { app });
      case 'get':
        return world.get(id, { app, formerIds, touch: step.touch });
      case 'touch': {
        const [ago, every] = [step.ago as number, step.every as number];
        return world.touch(id, { app, ago: ago * SECOND, every: every * SECOND });
      }
      case 'count':
        return world.count({ app, owner: step.of });
      case 'owners':
        return world.owners({ app }).then(({ owners, cursor }) => JSON.stringify([owners, cursor]));
      case 'again':
      case 'giveUp':
      case 'takeUp': {
        const queued = this.#queued[step.which as number];
        if (!queued) return Promise.resolve('nothing queued');
        return step.op === 'again' ? queued.run(queued.issue) : this.#turn(step.op, queued);
      }
      case 'sweep':
        return world.repository.sweep().then(() => 'swept'); // others may have met some of them before
      default:
        return this.#advance((step.by as number) * SECOND);
    }
  }

  #presented(token: number | undefined, by: unknown): { id: string; formerIds?: string[] } {
    if (token === undefined) return {} as { id: string };
    const ids = [this.#ids[token], this.#ids[token + TOKENS]] as [string, string];
    if (by === 'other' || by === 'the other way round') ids.reverse();
    return by === 'one' || by === 'other' ? { id: ids[0] } : { id: ids[0], formerIds: [ids[1]] };
  }

  #change(asked: Step, run: Queued['run']): Promise<unknown> {
    const { ago, queued, op } = asked;
    const { id } = this.#presented(asked.id as number | undefined, asked.by); // none where it is an owner's tokens
    const issuedAt = this.#world.now() - (ago as number) * SECOND * MICROS_PER_MS;
    if (!queued) return run({ issuedAt });
    const commandId = `c${this.#queued.length}`;
    const issue = { issuedAt, commandId, job: { queue: 'q', id: commandId, issuedAt: 1 } };
    this.#queued.push({ run, issue, command: id === undefined ? { op } : { op, id } });
    return run(issue);
  }

  async #turn(way: 'giveUp' | 'takeUp', { issue: { job, commandId }, command }: Queued): Promise<unknown> {
    const given = await this.#world.repository[way](job, [{ commandId, command: command as Command }]);
    return way === 'giveUp' ? [...(given as Set<string>)] : 'taken up';
  }

  #advance(ms: number): Promise<void> {
    // When a mark goes whose time is over is left to the repository.
    this.#advanced += ms;
    if (this.#advanced > MAX_COMMAND_AGE) {
      this.#advanced -= ms;
      return Promise.resolve();
    }
    if (this.#movesWorld) for (const { issue } of this.#queued) issue.issuedAt -= ms * MICROS_PER_MS;
    return this.#world.advance(ms);
  }
}

/** Records with how long they live, in place of their times; lists without their order, which the contract looks at. */
function simplify(answer: unknown): unknown {
  if (Array.isArray(answer))
    return answer
      .map(simplify)
      .map((record) => JSON.stringify(record))
      .sort();
  if (typeof answer !== 'object' || answer === null) return answer;
  if ('nonce' in answer) return { ...answer, record: simplify((answer as { record?: unknown }).record) };
  const { id, app, owner, data, version, idle, ...times } = answer as TokenRecord;
  const whole = (ms: number | undefined) => ms && Math.floor((ms - times.createdAt) / SECOND);
  const life = [whole(times.expiresAt), whole(times.absoluteExpiresAt)];
  const used = times.lastUsedAt !== undefined;
  return { id, app, owner, data, version, idle, life, used };
}

describe('Both repositories', () => agree((options) => openRedisSubject(options, 1)));
(onCluster ? () => {} : describe)('Both repositories, with a near cache before the one on Redis,', () =>
  agree((options) => openRedisSubject(options, 1, {})),
);

function agree(redis: OpenSubject): void {
  const worlds = { memory: new World(openMemorySubject), redis: new World(redis) };

  it('answer and tell the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        await Promise.all([worlds.memory.reopen(), worlds.redis.reopen()]);
        const ids = Array.from({ length: 2 * TOKENS }, newId);
        const players = [new Player(worlds.memory, ids, false), new Player(worlds.redis, ids, true)] as const;
        for (const step of steps) {
          const [expected, actual] = [
            await players[0].play(step as Step),
            await players[1].play(step as Step),
          ];
          assert.deepEqual(actual, expected, JSON.stringify(step));
          await Promise.all([worlds.memory.checkIndexes(), worlds.redis.checkIndexes()]);
        }
        assert.deepEqual(await players[1].facts(), await players[0].facts());
      }),
      {
        numRuns: Number(process.env.FAST_CHECK_RUNS ?? 500),
        ...seeded,
      },
    );
  }).timeout(600_000);
}
