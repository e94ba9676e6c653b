// A server of one's own with users of the rights that `redis-tokens acl` prints, and what they were refused.
import { createHash, randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Role } from '../../src/service/acl/roles.js';
import { aclUser } from '../../src/service/acl/user.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';

export class Users {
  readonly #server: RedisServer;
  readonly #password = randomBytes(8).toString('hex');
  /** May do anything. */
  readonly admin: Redis;

  private constructor(server: RedisServer) {
    this.#server = server;
    this.admin = new Redis(server.url, { maxRetriesPerRequest: null });
  }

  static async start(): Promise<Users> {
    return new Users(await startRedisServer({ log: () => {} }));
  }

  /** Of the admin. */
  get url(): string {
    return this.#server.url;
  }

  /** Makes a user, and answers the address with its name and password. */
  async urlOf(role: Role, prefix: string, cache = false): Promise<string> {
    const passwordHash = createHash('sha256').update(this.#password).digest('hex');
    const { name, rules } = aclUser(role, { prefix, passwordHash, cache });
    await this.admin.call('ACL', 'SETUSER', name, ...rules);
    return this.#server.url.replace('redis://', `redis://${name}:${this.#password}@`);
  }

  /** What users were refused since the last time, but for their way in. */
  async refusals(): Promise<string[]> {
    const log = (await this.admin.call('ACL', 'LOG')) as unknown[][];
    await this.admin.call('ACL', 'LOG', 'RESET');
    return log.map((entry) => {
      const of = (name: string) => String(entry[entry.indexOf(name) + 1]);
      return `${of('username')}: ${of('reason')} ${of('object')} (${of('context')})`;
    });
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await this.#server.stop();
  }
}
