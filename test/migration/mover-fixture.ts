// What moves tokens, by itself: so that something can happen between reading one and moving it.
import { Mover } from '../../src/migration/mover.js';
import { type OldEntry, OldStore } from '../../src/migration/old-store.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import { replaced } from '../queue/stage.js';

export class MoverFixture {
  readonly mover: Mover;
  readonly old: OldStore;
  /** Waited for before it looks what the new deployment has. */
  beforeLook: () => Promise<unknown> = async () => {};
  readonly #repository: RedisTokenRepository;

  private constructor(url: string, prefix: string) {
    const options = resolveTokenOptions({ prefix });
    this.#repository = new RedisTokenRepository(new Store(url, options.timeout), options);
    this.old = new OldStore(url, options.timeout);
    this.mover = new Mover(
      replaced(this.#repository, {
        getById: async (command) => {
          await this.beforeLook();
          return this.#repository.getById(command);
        },
      }),
      options,
    );
  }

  static async open(url: string, prefix: string): Promise<MoverFixture> {
    const fixture = new MoverFixture(url, prefix);
    await fixture.#repository.ready();
    return fixture;
  }

  async read(keys: readonly string[]): Promise<OldEntry[]> {
    return (await this.old.read(keys)) as OldEntry[];
  }

  async close(): Promise<void> {
    await this.#repository.close();
    await this.old.close();
  }
}
