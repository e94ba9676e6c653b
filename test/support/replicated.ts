// A primary and a replica that follows it by a way that a test can make long, or cut.
import { Redis } from 'ioredis';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { eventually } from './eventually.js';
import type { Opened } from './opened.js';
import { Way } from './way.js';

export class Replicated {
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  /** From the replica to the primary. */
  readonly link: Way;
  /** A plain client of each. */
  readonly of: { primary: Redis; replica: Redis };

  private constructor(primary: RedisServer, replica: RedisServer, link: Way, of: Replicated['of']) {
    this.primary = primary;
    this.replica = replica;
    this.link = link;
    this.of = of;
  }

  /** Resolves when the replica has all. */
  static async open(opened: Opened, args: string[] = []): Promise<Replicated> {
    const start = async () => {
      const server = await startRedisServer({
        args: ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1', ...args],
        log: () => {},
      });
      opened.later(server, () => server.stop());
      const client = new Redis(server.url, { maxRetriesPerRequest: null });
      client.on('error', () => {});
      return { server, client: opened.later(client, () => client.disconnect()) };
    };
    const [primary, replica] = await Promise.all([start(), start()]);
    const link = opened.add(await Way.open(primary.server.url));
    const of = { primary: primary.client, replica: replica.client };
    const replicated = new Replicated(primary.server, replica.server, link, of);
    await of.replica.replicaof('127.0.0.1', new URL(link.url).port);
    await replicated.follows();
    return replicated;
  }

  async follows(): Promise<void> {
    await eventually(
      'the replica follows',
      async () => {
        await this.of.primary.set('mark', '1');
        return (await this.of.primary.wait(1, 100)) === 1;
      },
      20_000,
    );
  }

  /** The primary knows at once that nobody follows. */
  async part(): Promise<void> {
    this.link.shut();
    await eventually('nobody follows', async () =>
      /connected_slaves:0/.test(await this.of.primary.info('replication')),
    );
  }

  async rejoin(): Promise<void> {
    this.link.reopen();
    await this.follows();
  }
}
