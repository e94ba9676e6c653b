/** Sends changes: a script each, or one script per shard for those that start in one tick. */
import { performance } from 'node:perf_hooks';
import { ReplyError } from 'ioredis';
import { toStoreError } from './failure.js';
import { Gathering } from './gathering.js';
import type { History } from './replication.js';
import type { ScriptName } from './scripts.generated.js';
import type { Store } from './store.js';
import { type Call, together } from './together.js';

/** Scripts that can be run as one, and as which: where memory is full, it must not let in what each would refuse. */
const TOGETHER: Partial<Record<ScriptName, 'changes' | 'revocations' | 'touches'>> = {
  create: 'changes',
  update: 'changes',
  refresh: 'changes',
  rotate: 'changes',
  reseal: 'changes',
  delete: 'revocations',
  deleteById: 'revocations',
  consume: 'revocations',
  touch: 'touches',
};

/** Changes and characters of one script: some milliseconds, for which Redis serves nobody else. */
const CHANGES_AT_ONCE = 100;
const LENGTH_AT_ONCE = 1_048_576;

/** A script's call, and the id of the token that it changes; without one, it revokes many. */
export interface Change extends Call {
  id: string | undefined;
  /** Hears of which history of Redis it has become a part. */
  witness?: ((history: History) => void) | undefined;
}

interface Waiting extends Change {
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

export class ChangeSender {
  readonly #store: Store;
  readonly #gathering = new Gathering<Waiting>((changes) => this.#sendAll(groups(changes)));

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves to the script's reply. Those of a token that start in one tick are made in their order, revocations perhaps sooner. */
  send(shard: number, { script, keys, args, id, witness }: Change): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#gathering.add(shard, { script, keys, args, id, witness, resolve, reject });
    });
  }

  /**
   * A group waits for those before it that change a token of its own: one that is to be sent again, since Redis does not
   * know its script, or has made a part of it, would be overtaken. A revocation waits for none: it wins in any order.
   */
  #sendAll(all: readonly Waiting[][]): void {
    const begun = performance.now();
    const last = new Map<string, Promise<void>>();
    for (const group of all) {
      const ids = group.flatMap(({ id }) => id ?? []);
      const before = isRevocation(group) ? [] : ids.flatMap((id) => last.get(id) ?? []);
      const send = () => this.#sendGroup(group, begun);
      const sent = before.length > 0 ? Promise.all(new Set(before)).then(send) : send();
      for (const id of ids) last.set(id, sent);
    }
  }

  async #sendGroup(group: readonly Waiting[], begun: number): Promise<void> {
    const script = group.length > 1 ? TOGETHER[(group[0] as Waiting).script] : undefined;
    let rest = group;
    try {
      while (rest.length > 0) {
        const [next] = rest as [Waiting, ...Waiting[]];
        const { keys, args } = script ? together(rest) : next;
        const reply = await this.#store.change(script ?? next.script, keys, args, begun, witnessOf(rest));
        const replies = (script ? reply : [reply]) as unknown[][];
        for (const [i, made] of replies.entries()) this.#settle(rest[i] as Waiting, made);
        rest = rest.slice(replies.length);
      }
    } catch (error) {
      for (const { reject } of rest) reject(error);
    }
  }

  #settle({ resolve, reject }: Waiting, reply: unknown[]): void {
    if (reply[0] !== 'error') resolve(reply);
    else reject(toStoreError(new ReplyError(String(reply[1])), 'unknown', this.#store.owned));
  }
}

/** For all of them, where any has one. */
function witnessOf(changes: readonly Waiting[]): Change['witness'] {
  const witnesses = changes.flatMap(({ witness }) => witness ?? []);
  if (witnesses.length === 0) return undefined;
  return (history) => {
    for (const witness of witnesses) witness(history);
  };
}

const isRevocation = ([first]: readonly Waiting[]): boolean =>
  first !== undefined && TOGETHER[first.script] === 'revocations';

/** Neighbours that one script can make, so that their order stays. */
function groups(changes: readonly Waiting[]): Waiting[][] {
  const found: Waiting[][] = [];
  let length = 0;
  for (const change of changes) {
    const size = lengthOf(change.args);
    const group = found.at(-1);
    const fits =
      group !== undefined &&
      group.length < CHANGES_AT_ONCE &&
      length + size <= LENGTH_AT_ONCE &&
      TOGETHER[change.script] !== undefined &&
      TOGETHER[change.script] === TOGETHER[(group[0] as Waiting).script];
    if (fits) group.push(change);
    else found.push([change]);
    length = fits ? length + size : size;
  }
  return found;
}

function lengthOf(args: Call['args']): number {
  let length = 0;
  for (const arg of args) length += typeof arg === 'string' ? arg.length : 8;
  return length;
}
