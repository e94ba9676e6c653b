/** Ends all that there is in a scope, or in every scope of an app, in steps that let others in between. */
import type { Microseconds } from '../tokens/clock.js';
import type { Commands } from '../tokens/commands.js';
import type { Attempt } from '../tokens/repository.js';
import type { Scope } from '../tokens/types.js';
import { type Keys, segment } from './keys.js';
import type { Reply } from './reply.js';
import { begun, later, toldArgs } from './steps.js';
import type { Store } from './store.js';

/** Scopes that are looked at side by side. */
const SCOPES_AT_ONCE = 100;

type ScopesCommand = Commands['deleteScope' | 'deleteApp'];

/** Runs one step of deleteScope-5.lua. */
export type ScopeStep = (
  shard: number,
  command: ScopesCommand,
  attempt: Attempt,
  scope: Scope,
  args: readonly (string | number)[],
) => Promise<Reply>;

/** What has come of a shard so far. */
interface Progress {
  ended: number;
  stamp: Microseconds | undefined;
}

export class ScopeEnder {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #shards: readonly number[];
  readonly #step: ScopeStep;

  constructor(store: Store, keys: Keys, shards: readonly number[], step: ScopeStep) {
    this.#store = store;
    this.#keys = keys;
    this.#shards = shards;
    this.#step = step;
  }

  ofScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number> {
    return this.#onShards(attempt, (shard, current, progress) =>
      this.#end(shard, command, current, command, 'scope', progress, true),
    );
  }

  /** The mark comes first, on each shard: what is made in a scope that was not found then is younger than it. */
  ofApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number> {
    const none = { app: command.app, type: '' }; // no scope: its index is never there
    const end = (shard: number, current: Attempt, scope: Scope, progress: Progress, isLast: boolean) =>
      this.#end(shard, command, current, scope, 'app', progress, isLast);
    return this.#onShards(attempt, async (shard, current, before) => {
      let progress = await end(shard, current, none, before, false);
      for await (const scope of this.#scopesOf(shard, command.app)) {
        progress = await begun(end(shard, later(current), scope, progress, false));
      }
      return begun(end(shard, later(current), none, progress, true));
    });
  }

  /** The first shard's first script fixes the time that the others are revoked up to. */
  async #onShards(
    attempt: Attempt,
    run: (shard: number, attempt: Attempt, progress: Progress) => Promise<Progress>,
  ): Promise<number> {
    const [home = 0, ...others] = this.#shards;
    const first = await run(home, attempt, { ended: 0, stamp: undefined });
    const rest = await Promise.all(
      others.map((shard) => begun(run(shard, later(attempt), { ended: 0, stamp: first.stamp }))),
    );
    return rest.reduce((sum, { ended }) => sum + ended, first.ended);
  }

  /** Steps over one scope of a shard, until it holds nothing that is older than the revocation. */
  async #end(
    shard: number,
    command: ScopesCommand,
    attempt: Attempt,
    scope: Scope,
    what: 'scope' | 'app',
    { ended, stamp }: Progress,
    isLast: boolean,
  ): Promise<Progress> {
    const step = (current: Attempt, args: readonly (string | number)[]) =>
      this.#step(shard, command, current, scope, [what, ...args, isLast ? '1' : '', ...toldArgs(command)]);
    let reply = await step(attempt, [stamp ?? '', '', '', 0, ended]);
    while (reply.code === 'more') {
      const [soFar, fixed, inPass] = reply.numbers;
      const [expires = '', member = ''] = reply.rest;
      reply = await begun(step(later(attempt), [fixed, expires, member, inPass, soFar]));
    }
    return { ended: reply.numbers[0], stamp: reply.numbers[1] };
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
