// Servers of one's own with users of the rights that `redis-tokens acl` prints, and what they were refused.
import { createHash, randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Role } from '../../src/service/acl/roles.js';
import { aclUser } from '../../src/service/acl/user.js';
import { startRedisServer } from '../../tools/redis-server.js';

export class Users {
  /** May do anything. */
  readonly admin: Redis;
  /** Of the admin. */
  readonly url: string;
  readonly #others: readonly Redis[];
  readonly #password = randomBytes(8).toString('hex');

  /** @param others of the other nodes of a Cluster. */
  constructor(admin: Redis, url: string, others: readonly Redis[] = []) {
    this.admin = admin;
    this.url = url;
    this.#others = others;
  }

  /** Makes a user, and answers the address with its name and password. */
  async urlOf(role: Role, prefix: string, cache = false): Promise<string> {
    const passwordHash = createHash('sha256').update(this.#password).digest('hex');
    const { name, rules } = aclUser(role, { prefix, passwordHash, cache });
    await this.#eachNode((node) => node.call('ACL', 'SETUSER', name, ...rules));
    return this.url.replace('://', `://${name}:${this.#password}@`);
  }

  /** What users were refused since the last time, but for their way in. */
  async refusals(): Promise<string[]> {
    const logs = await this.#eachNode((node) => node.call('ACL', 'LOG') as Promise<unknown[][]>);
    await this.#eachNode((node) => node.call('ACL', 'LOG', 'RESET'));
    return logs.flat().map((entry) => {
      const of = (name: string) => String(entry[entry.indexOf(name) + 1]);
      return `${of('username')}: ${of('reason')} ${of('object')} (${of('context')})`;
    });
  }

  #eachNode<T>(ask: (node: Redis) => Promise<T>): Promise<T[]> {
    return Promise.all([this.admin, ...this.#others].map(ask));
  }
}

/** Users of a server of their own, which `stop` ends. */
export async function startUsers(): Promise<Users & { stop(): Promise<void> }> {
  const args = ['--repl-diskless-sync-delay', '0']; // who follows it does at once
  const server = await startRedisServer({ args, log: () => {} });
  const users = new Users(new Redis(server.url, { maxRetriesPerRequest: null }), server.url);
  const stop = async () => {
    users.admin.disconnect();
    await server.stop();
  };
  return Object.assign(users, { stop });
}
