/** Sends changes: a script each, or one script per shard for those that start in one tick. */
import { ReplyError } from 'ioredis';
import { toStoreError } from './failure.js';
import { Gathering } from './gathering.js';
import type { ScriptName } from './scripts.generated.js';
import type { Store } from './store.js';
import { type Call, together } from './together.js';

/** Scripts that can be run as one, and as which: where memory is full, it must not let in what each would refuse. */
const TOGETHER: Partial<Record<ScriptName, 'changes' | 'revocations'>> = {
  create: 'changes',
  update: 'changes',
  refresh: 'changes',
  delete: 'revocations',
  deleteById: 'revocations',
  consume: 'revocations',
};

/** Changes and characters of one script: some milliseconds, for which Redis serves nobody else. */
const CHANGES_AT_ONCE = 100;
const LENGTH_AT_ONCE = 1_048_576;

interface Waiting extends Call {
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

export class ChangeSender {
  readonly #store: Store;
  readonly #gathering = new Gathering<Waiting>((changes) => {
    for (const group of groups(changes)) this.#sendGroup(group);
  });

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves to the script's reply. Those of a shard that start in one tick are made in their order. */
  send(shard: number, call: Call): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { script, keys, args } = call;
      this.#gathering.add(shard, { script, keys, args, resolve, reject });
    });
  }

  async #sendGroup(group: readonly Waiting[]): Promise<void> {
    const script = TOGETHER[(group[0] as Waiting).script];
    if (script === undefined || group.length === 1) {
      for (const change of group) this.#sendAlone(change);
      return;
    }
    try {
      const { keys, args } = together(group);
      const replies = (await this.#store.change(script, keys, args)) as unknown[][];
      for (const [i, change] of group.entries()) this.#settle(change, replies[i]);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  async #sendAlone({ script, keys, args, resolve, reject }: Waiting): Promise<void> {
    try {
      resolve(await this.#store.change(script, keys, args));
    } catch (error) {
      reject(error);
    }
  }

  #settle({ resolve, reject }: Waiting, reply: unknown[] | undefined): void {
    if (reply?.[0] !== 'error') resolve(reply);
    else reject(toStoreError(new ReplyError(String(reply[1])), 'unknown', this.#store.owned));
  }
}

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
