// Runs the contract of repositories for the user of a role: it is kept, and nothing is refused.
import { assert } from 'chai';
import type { CacheOptions } from '../../src/redis/near-cache/options.js';
import type { Role } from '../../src/service/acl/roles.js';
import { contract } from '../contract/contract.js';
import { openRedisSubject } from '../contract/redis-subject.js';
import { startUsers } from '../support/users.js';

export function contractFor(role: Role, shards: number, cache?: CacheOptions): void {
  describe('With least privilege', () => {
    let users: Awaited<ReturnType<typeof startUsers>>;
    before(async () => {
      users = await startUsers();
    });
    afterEach(async () => assert.deepEqual(await users.refusals(), []));
    after(() => users.stop());

    contract(
      `a repository of the ${role}’s${cache ? ', with a near cache,' : ''} keeps the contract:`,
      (options) =>
        openRedisSubject(options, shards, cache, {
          url: users.url,
          of: (prefix) => users.urlOf(role, prefix, cache !== undefined),
        }),
      role === 'application' ? 'in process' : 'all',
    );
  });
}
