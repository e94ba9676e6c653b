/** What a process must know of its deployment before it stamps a command: that its options fit, and Redis' time. */
import type { Clock, Microseconds } from '../tokens/clock.js';
import { ConfigError, StoreUnavailableError } from '../tokens/errors.js';
import type { ResolvedTokenOptions } from '../tokens/options.js';
import { fromTime, RedisClock } from './clock.js';
import { isForbidden } from './failure.js';
import type { Keys } from './keys.js';
import { LAYOUT, layoutProblem } from './layout.js';
import type { PepperCheck } from './pepper-check.js';
import type { Store } from './store.js';

/** Fixed by the first process that has to do with queues: tokens may stand without. */
const OF_QUEUES = 'partitions';

/** What stands of what all processes of a deployment agree on. */
export interface Standing {
  /** The type of its key: `hash`, `none`, or that of something else in its place. */
  type: string;
  /** Names of what is not fixed. */
  missing: string[];
}

export class Deployment implements Clock {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #options: ResolvedTokenOptions;
  readonly #clock: RedisClock;
  readonly #founds: boolean;
  readonly #peppers: PepperCheck | undefined;
  #fits = false;
  /** Of the connection: what was asked before one says nothing of what it leads to now. */
  #changes = 0;
  #check: Promise<void> | undefined;
  /** Another connection may lead to another server: what it says is asked before the next command. */
  readonly #onChange = () => {
    this.#changes++;
    this.#fits = false;
    this.#clock.unset();
  };

  /**
   * @param founds whether to fix what all must agree on where nobody has; or else that stays as it is. Default true.
   * @param peppers given where secrets are sealed in this process.
   */
  constructor(
    store: Store,
    keys: Keys,
    options: ResolvedTokenOptions,
    { founds = true, peppers }: { founds?: boolean; peppers?: PepperCheck | undefined } = {},
  ) {
    this.#founds = founds;
    this.#peppers = peppers;
    this.#store = store;
    this.#keys = keys;
    this.#options = options;
    this.#clock = new RedisClock(() => store.read(async (client) => fromTime(await client.time())));
    store.client.on('ready', this.#onChange).on('close', this.#onChange);
  }

  get isReady(): boolean {
    return this.#fits && this.#clock.isSet;
  }

  /**
   * Resolves when Redis answers, also where it has answered before.
   * @throws {StoreUnavailableError} {ConfigError} One check at a time; one that failed is made again when asked.
   */
  async ready(): Promise<void> {
    if (this.isReady) await this.#store.read((client) => client.ping());
    if (this.isReady) return;
    this.#check ??= this.#become().finally(() => {
      this.#check = undefined;
    });
    await this.#inTime(this.#check);
  }

  now(): Microseconds {
    return this.#clock.now();
  }

  reckoned(): Microseconds {
    return this.#clock.reckoned();
  }

  /** Every later stamp is later than a time that a reply told. */
  told(time: Microseconds): void {
    this.#clock.told(time);
  }

  /**
   * What is fixed of what whoever is ready fixes where it is not. Nothing is written.
   * @throws {ConfigError} where something of it differs from here.
   */
  async standing(): Promise<Standing> {
    const { meta } = this.#keys;
    const wanted = this.#agreed();
    const type = await this.#store.read((client) => client.type(meta));
    if (type !== 'hash') return { type, missing: wanted.map(([name]) => name) };
    const values = await this.#store.read((client) => client.hmget(meta, ...wanted.map(([name]) => name)));
    this.#compare(wanted, values);
    const missing = wanted.flatMap(([name], i) => (values[i] === null && name !== OF_QUEUES ? [name] : []));
    return { type, missing };
  }

  /** Why there is none. @param type of what stands where the meta should. */
  absence(type: string): ConfigError {
    const { meta } = this.#keys;
    if (type === 'none') return new ConfigError(`${meta}: there is no deployment with this prefix here`);
    const what = type === 'hash' ? 'not all of it is there' : `it is a ${type}, and no hash`;
    return new ConfigError(`${meta}: ${what}; \`redis-tokens doctor\` tells more`);
  }

  /** Leaves the client as it was. */
  leave(): void {
    this.#store.client.off('ready', this.#onChange).off('close', this.#onChange);
  }

  async #become(): Promise<void> {
    const deadline = performance.now() + this.#options.timeout;
    while (!this.isReady) {
      if (performance.now() > deadline)
        throw new StoreUnavailableError('the connection is lost again and again', 'none');
      await this.#store.connected();
      const changes = this.#changes;
      await Promise.all([checkDatabase(this.#store), this.#agree(), this.#clock.sync()]).catch(
        (error: unknown) => {
          this.#fits = false;
          throw error;
        },
      );
      // Not before the answer: who asks meanwhile waits for it, and is refused with the others.
      this.#fits = changes === this.#changes;
    }
  }

  /** Each of its questions has the whole time: together they may take longer than a call may. They go on all the same. */
  async #inTime(check: Promise<void>): Promise<void> {
    const { timeout } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new StoreUnavailableError(`Redis can not be reached: not ready within ${timeout} ms`, 'none'),
          ),
        timeout,
      );
    });
    await Promise.race([check, late]).finally(() => clearTimeout(timer));
  }

  /** What all processes of a deployment must agree on, with the values of this one. */
  #agreed(): [name: string, value: number][] {
    const { shards, partitions, maxCommandAge } = this.#options;
    const queues: [string, number][] = partitions === undefined ? [] : [[OF_QUEUES, partitions]];
    return [['layout', LAYOUT], ['shards', shards], ['maxCommandAge', maxCommandAge], ...queues];
  }

  /** By a script that may write: where nothing can be written now, as on a replica, nothing is to be read either. */
  async #agree(): Promise<void> {
    if (!this.#founds) {
      await this.standing();
      return;
    }
    await this.found().catch(async (error: unknown) => {
      if (!isForbidden(error)) throw error;
      const { type, missing } = await this.standing();
      if (missing.length > 0)
        throw new ConfigError(`${this.absence(type).message}, and this user may not found one`, {
          cause: error,
        });
      await this.#checkPrimary();
    });
    await this.#peppers?.found();
  }

  /** For a user whom no script can tell. @throws {StoreUnavailableError} */
  async #checkPrimary(): Promise<void> {
    const info = await this.#store.read((client) => client.info('replication'));
    if (!/^role:master/m.test(info))
      throw new StoreUnavailableError('this is a replica: it may not know of a revocation yet', 'none');
  }

  /** Fixes what is not fixed yet. @throws {ConfigError} where something stands that differs from here. */
  async found(): Promise<void> {
    const wanted = this.#agreed();
    const standing = (await this.#store.readScript('meta', [this.#keys.meta], wanted.flat())) as
      | string[]
      | string;
    if (!Array.isArray(standing)) throw new ConfigError(`Redis 7.0 or newer is needed (${standing})`);
    this.#compare(wanted, standing);
  }

  /** @param standing null for what is not fixed yet. */
  #compare(wanted: [name: string, value: number][], standing: (string | null)[]): void {
    for (const [i, [name, value]] of wanted.entries()) {
      if (standing[i] !== null && standing[i] !== String(value)) {
        const problem =
          name === 'layout'
            ? layoutProblem(String(standing[i]))
            : `${name} is ${standing[i]} in this deployment, but ${value} here`;
        throw new ConfigError(`${this.#keys.meta}: ${problem}`);
      }
    }
  }
}

/** ioredis goes on in database 0 where Redis has not the one that was asked for. @throws {ConfigError} */
export async function checkDatabase(store: Store): Promise<void> {
  const { db } = store.client.options as { db?: number };
  if (!db) return;
  const info = await store.read((client) => client.client('INFO')).catch(() => ''); // may be forbidden
  const actual = / db=(\d+)/.exec(String(info))?.[1];
  if (actual !== undefined && actual !== String(db)) throw new ConfigError(`Redis has no database ${db}`);
}
