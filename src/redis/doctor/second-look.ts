/** What looks wrong is looked at again in one step of Redis, and repaired in that step where asked. */
import type { Scope } from '../../tokens/types.js';
import type { Keys } from '../keys.js';
import type { ScriptName } from '../scripts.generated.js';
import type { Store } from '../store.js';
import type { Findings, ProblemKind, Subject } from './diagnosis.js';

export interface Owned extends Scope {
  owner: string;
}

/** What the decisions for a job are kept for, in ms. */
const JOB_LIFE = 7 * 86_400_000;

export class SecondLook {
  readonly findings: Findings;
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #repair: boolean;
  readonly onStep: () => void;

  /** @param onStep is called before each step: where it throws, the look ends. */
  constructor(store: Store, keys: Keys, findings: Findings, repair: boolean, onStep: () => void) {
    this.#store = store;
    this.#keys = keys;
    this.findings = findings;
    this.#repair = repair;
    this.onStep = onStep;
  }

  /** Replies to commands on keys of one shard; an error in place of the reply of one whose key is of another type. */
  async read(commands: (string | number)[][]): Promise<unknown[]> {
    if (commands.length === 0) return [];
    this.onStep();
    return this.#store.read(async (client) => {
      const replies = (await client.pipeline(commands).exec()) ?? [];
      return replies.map(([error, reply]) => {
        if (error && !error.message.startsWith('WRONGTYPE')) throw error;
        return error ?? reply;
      });
    });
  }

  async values(keys: readonly string[]): Promise<(Buffer | null)[]> {
    this.onStep();
    return this.#store.read((client) => client.mgetBuffer([...keys]));
  }

  /** An owner's token: its record's life, and its place in both indexes. */
  async token(shard: number, scope: Scope, owner: string, id: string): Promise<void> {
    const { app, type } = scope;
    const key = this.#keys.record(shard, id);
    const keys = [
      this.#keys.scopeIndex(shard, scope),
      this.#keys.log(shard),
      this.#keys.revoked(shard),
      this.#keys.scopes(shard),
      key,
      this.#keys.ownerIndex(shard, scope, owner),
    ];
    await this.#run('checkToken', keys, [...named(scope), id, owner], { key, id, app, type, owner });
  }

  /** The scope's index as a whole, or with an owner that owner's. */
  async index(shard: number, { app, type, owner }: Scope & Partial<Owned>): Promise<void> {
    const scopeIndex = this.#keys.scopeIndex(shard, { app, type });
    const key = owner === undefined ? scopeIndex : this.#keys.ownerIndex(shard, { app, type }, owner);
    await this.#run(
      'checkIndex',
      [scopeIndex, this.#keys.log(shard), this.#keys.scopes(shard), key],
      named({ app, type }),
      owner === undefined ? { key, app, type } : { key, app, type, owner },
    );
  }

  /**
   * A record that can not be read, or a key of another type than `type`.
   * @param digest SHA-1 of the value that can not be read, where the type is right.
   */
  async unreadable(key: string, type: string, digest = ''): Promise<void> {
    const kind = digest === '' ? 'key-of-other-type' : 'unreadable-record';
    if (this.#repair) {
      if (Number(await this.#store.readScript('removeUnreadable', [key], [type, digest])) === 1) {
        this.findings.add(kind, { key }, true);
      }
    } else if (digest !== '') this.findings.add(kind, { key }, false);
    else {
      const actual = await this.#store.read((client) => client.type(key));
      if (actual !== type && actual !== 'none') this.findings.add(kind, { key }, false);
    }
  }

  async member(key: string, member: string): Promise<void> {
    const removed = this.#repair && (await this.#store.read((client) => client.zrem(key, member))) === 1;
    this.findings.add('unreadable-member', { key }, removed);
  }

  job(key: string): Promise<void> {
    return this.#withoutTtl('job-without-ttl', key, JOB_LIFE);
  }

  /** What is left of a token that was rotated. @param life in ms. */
  rotation(key: string, life: number): Promise<void> {
    return this.#withoutTtl('rotation-without-ttl', key, life);
  }

  async #withoutTtl(kind: ProblemKind, key: string, life: number): Promise<void> {
    if (this.#repair) {
      // Whoever changes it meanwhile sets it as well.
      if ((await this.#store.read((client) => client.pexpire(key, life, 'NX'))) === 0) return;
    }
    this.findings.add(kind, { key }, this.#repair);
  }

  async #run(
    script: ScriptName,
    keys: readonly string[],
    args: readonly string[],
    subject: Subject,
  ): Promise<void> {
    const wrong = (await this.#store.readScript(script, keys, [
      ...args,
      this.#repair ? '1' : '',
    ])) as string[];
    for (let i = 0; i < wrong.length; i += 2) {
      const key = wrong[i + 1];
      this.findings.add(wrong[i] as ProblemKind, key ? { key } : subject, this.#repair);
    }
  }
}

const named = ({ app, type }: Scope): string[] => [JSON.stringify(app), JSON.stringify(type), ''];
