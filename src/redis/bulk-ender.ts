/** Ends all that an owner has, or that there is in a scope or an app, in steps that let others in between. */
import type { Microseconds } from '../tokens/clock.js';
import type { Commands } from '../tokens/commands.js';
import { StoreUnavailableError } from '../tokens/errors.js';
import { ownerShard } from '../tokens/identity.js';
import type { Attempt } from '../tokens/repository.js';
import type { RevocationDetails, Scope } from '../tokens/types.js';
import { type ChangeScripts, flag } from './change-scripts.js';
import { idsOf, type Keys, segment } from './keys.js';
import type { Reply } from './reply.js';
import type { Store } from './store.js';

/** No deadline: for the later steps of a change whose first step has met it, and for what may come late. */
export const FOR_EVER: Microseconds = Number.MAX_SAFE_INTEGER;

/** Scopes that are looked at side by side. */
const SCOPES_AT_ONCE = 100;

type ScopesCommand = Commands['deleteScope' | 'deleteApp'];

/** What has come of a shard so far. */
interface Progress {
  ended: number;
  /** The time that is revoked up to, once it is fixed. */
  stamp: Microseconds | undefined;
}

export class BulkEnder {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #shards: readonly number[];
  readonly #scripts: ChangeScripts;

  constructor(store: Store, keys: Keys, shards: readonly number[], scripts: ChangeScripts) {
    this.#store = store;
    this.#keys = keys;
    this.#shards = shards;
    this.#scripts = scripts;
  }

  /** The owner's own shard first. */
  ofOwner(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    const { app, type, owner, except, formerIds } = command;
    const excepted = except === undefined ? '' : idsOf({ id: except, formerIds });
    const home = ownerShard(app, type, owner, this.#shards.length);
    return this.#onShards(home, attempt, (shard, current, progress) => {
      const keys = [this.#keys.floor(shard), this.#keys.ownerIndex(shard, command, owner)];
      return inSteps(current, progress, (each, place) =>
        this.#scripts.run('deleteAll', command, each, shard, {
          keys,
          args: [owner, ...place, excepted, ...toldArgs(command)],
        }),
      );
    });
  }

  ofScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number> {
    return this.#onShards(0, attempt, (shard, current, progress) =>
      this.#ofScope(shard, command, current, command, progress, true),
    );
  }

  /** The mark comes first, on each shard: what is made in a scope that was not found then is younger than it. */
  ofApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number> {
    const none = { app: command.app, type: '' }; // no scope: its index is never there
    return this.#onShards(0, attempt, async (shard, current, before) => {
      let progress = await this.#ofScope(shard, command, current, none, before, false);
      for await (const scope of this.#scopesOf(shard, command.app)) {
        progress = await begun(this.#ofScope(shard, command, later(current), scope, progress, false));
      }
      return begun(this.#ofScope(shard, command, later(current), none, progress, true));
    });
  }

  /** The first shard's first script fixes the time that the others are revoked up to. */
  async #onShards(
    home: number,
    attempt: Attempt,
    run: (shard: number, attempt: Attempt, progress: Progress) => Promise<Progress>,
  ): Promise<number> {
    const first = await run(home, attempt, { ended: 0, stamp: undefined });
    const others = this.#shards.filter((shard) => shard !== home);
    const rest = await Promise.all(
      others.map((shard) => begun(run(shard, later(attempt), { ended: 0, stamp: first.stamp }))),
    );
    return rest.reduce((sum, { ended }) => sum + ended, first.ended);
  }

  #ofScope(
    shard: number,
    command: ScopesCommand,
    attempt: Attempt,
    scope: Scope,
    progress: Progress,
    isLast: boolean,
  ): Promise<Progress> {
    const what = command.op === 'deleteApp' ? 'app' : 'scope';
    return inSteps(attempt, progress, (current, place) =>
      this.#scripts.runOn(scope, 'deleteScope', command, current, shard, {
        keys: [this.#keys.floor(shard)],
        args: [what, ...place, flag(isLast), ...toldArgs(command)],
      }),
    );
  }

  /** Every scope of the app that was there throughout. */
  async *#scopesOf(shard: number, app: string): AsyncGenerator<Scope> {
    const key = this.#keys.scopes(shard);
    const pattern = `${segment(app)}:*`; // no glob is left in a segment
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, members] = await begun(
        this.#store.read((client) => client.sscan(key, cursor, 'MATCH', pattern, 'COUNT', SCOPES_AT_ONCE)),
      );
      cursor = next;
      for (const member of members) {
        const scope = seen.has(member) ? undefined : this.#keys.scopeOf(member);
        seen.add(member);
        if (scope) yield scope;
      }
    } while (cursor !== '0');
  }
}

/** Steps over an index of a shard, until it holds nothing that is older than the revocation. */
async function inSteps(
  attempt: Attempt,
  { ended, stamp }: Progress,
  step: (attempt: Attempt, place: readonly (string | number)[]) => Promise<Reply>,
): Promise<Progress> {
  let reply = await step(attempt, [stamp ?? '', '', '', 0, ended]);
  while (reply.code === 'more') {
    const [soFar, fixed, inPass] = reply.numbers;
    const [expires = '', member = ''] = reply.rest;
    reply = await begun(step(later(attempt), [fixed, expires, member, inPass, soFar]));
  }
  return { ended: reply.numbers[0], stamp: reply.numbers[1] };
}

/** How the steps behind the first are run. */
const later = (attempt: Attempt): Attempt => (attempt.job ? attempt : { ...attempt, until: FOR_EVER });

/** A step of something that has begun: where it fails, a part is done. */
async function begun<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (!(error instanceof StoreUnavailableError) || error.outcome === 'unknown') throw error;
    throw new StoreUnavailableError(error.message, 'unknown', { cause: error });
  }
}

/** What the events of a revocation tell, as scripts take it. */
export const toldArgs = ({ reason, by }: RevocationDetails): [reason: string, by: string] => [
  reason ?? '',
  by ?? '',
];
