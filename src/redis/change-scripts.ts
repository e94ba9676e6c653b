/** Runs the scripts of changes: each is given what all of them take, and what it answers becomes a reply or an error. */
import { MICROS_PER_MS, type Microseconds } from '../tokens/clock.js';
import type { ResolvedTokenOptions } from '../tokens/options.js';
import type { Attempt } from '../tokens/repository.js';
import type { Scope } from '../tokens/types.js';
import { ChangeSender } from './changes.js';
import type { Deployment } from './deployment.js';
import { type Keys, scopeArgs } from './keys.js';
import type { Witness } from './replication.js';
import { parseReply, type Reply, refusal } from './reply.js';
import type { ScriptName } from './scripts.generated.js';
import type { Store } from './store.js';

/** What of a command every script takes. */
interface Change {
  op: string;
  id?: string;
  issuedAt: Microseconds;
}

/** What a script takes besides. */
interface Own {
  keys: readonly string[];
  args: readonly (string | number)[];
}

/** A change that leaves word of what it has become a part of. */
export interface WitnessedAttempt extends Attempt {
  witness?: Witness;
}

export class ChangeScripts {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #deployment: Deployment;
  readonly #options: ResolvedTokenOptions;
  readonly #sender: ChangeSender;
  /** Hears of each token that a change has ended, be it another than its own. */
  onEnd: (id: string) => void = () => {};

  constructor(store: Store, keys: Keys, deployment: Deployment, options: ResolvedTokenOptions) {
    this.#store = store;
    this.#keys = keys;
    this.#deployment = deployment;
    this.#options = options;
    this.#sender = new ChangeSender(store);
  }

  run(
    script: ScriptName,
    command: Change & Scope,
    attempt: WitnessedAttempt,
    shard: number,
    own: Own,
  ): Promise<Reply> {
    return this.runOn(command, script, command, attempt, shard, own);
  }

  /** For a command that goes for more than one scope. @throws {TokenError} what the script refuses with. */
  async runOn(
    scope: Scope,
    script: ScriptName,
    command: Change,
    attempt: WitnessedAttempt,
    shard: number,
    { keys, args }: Own,
  ): Promise<Reply> {
    const { witness } = attempt;
    const answer = await this.#sender.send(shard, {
      script,
      id: command.id,
      keys: [
        this.#keys.scopeIndex(shard, scope),
        this.#keys.log(shard),
        this.#keys.revoked(shard),
        this.#keys.job(shard, attempt.job),
        ...keys,
      ],
      args: [
        ...scopeArgs(scope),
        attempt.commandId ?? '',
        command.issuedAt,
        attempt.until,
        flag(attempt.job !== undefined),
        this.#options.maxCommandAge * MICROS_PER_MS,
        ...args,
      ],
      witness: witness && ((history) => witness.note(shard, history)),
    });
    const reply = parseReply(answer);
    this.#deployment.told(reply.time);
    for (const id of reply.ended) this.onEnd(id);
    if (reply.code === 'ok' || reply.code === 'none' || reply.code === 'more') return reply;
    throw refusal(reply, command, {
      maxDataBytes: this.#options.maxDataBytes,
      lateOutcome: this.#store.owned ? 'none' : 'unknown',
    });
  }
}

/** A yes or no, as scripts take it. */
export const flag = (value: boolean): string => (value ? '1' : '0');
