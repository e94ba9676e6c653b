// Reads under way: what was asked for before something happened is answered, and not kept.
import { performance } from 'node:perf_hooks';
import { assert } from 'chai';
import { stub } from 'sinon';
import { Keys } from '../../src/redis/keys.js';
import { Invalidations } from '../../src/redis/near-cache/invalidations.js';
import { NearCache } from '../../src/redis/near-cache/near-cache.js';
import { RedisTokenRepository } from '../../src/redis/repository.js';
import { Store } from '../../src/redis/store.js';
import { buildCommand } from '../../src/tokens/commands.js';
import type { Operation } from '../../src/tokens/operations.js';
import { resolveTokenOptions } from '../../src/tokens/options.js';
import type { TokenRepository } from '../../src/tokens/repository.js';
import type { TokenRecord } from '../../src/tokens/types.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { newId } from '../contract/world.js';
import { Near, SCOPE } from '../redis/near.js';
import { eventually } from '../support/eventually.js';

describe('A get that is under way', () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer({ log: () => {} });
  });
  after(() => server.stop());
  const world = new Near(async () => server.url);
  /** The same store as another process sees it. */
  let direct: RedisTokenRepository;
  let cache: NearCache;
  let invalidations: Invalidations;
  /** Called with each answer to a get, which arrives when this resolves. */
  let beforeArrival: () => Promise<void> = async () => {};
  let asked = 0;

  beforeEach(async () => {
    const { url } = server;
    const options = resolveTokenOptions({ prefix: world.prefix });
    const store = new Store(url, options.timeout);
    const repository = new RedisTokenRepository(store, options);
    const late = new Proxy(repository, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (name !== 'get') return typeof value === 'function' ? value.bind(target) : value;
        return async (...args: Parameters<typeof repository.get>) => {
          asked++;
          const found = await repository.get(...args);
          await beforeArrival();
          return found;
        };
      },
    });
    invalidations = new Invalidations(url, new Keys(world.prefix).records(1), store, options.timeout);
    cache = world.opened.add(new NearCache(late, invalidations, { max: 10, ttl: 5_000 }));
    direct = world.opened.add(new RedisTokenRepository(new Store(url, options.timeout), options));
    beforeArrival = async () => {};
    await Promise.all([cache.ready(), direct.ready()]);
  });

  const command = <O extends Operation>(op: O, fields: object) =>
    buildCommand(op, { ...SCOPE, issuedAt: cache.now(), ...fields } as never);
  const attempt = () => ({ until: cache.now() + 5_000_000 });
  const get = (id: string) => cache.get(command('get', { id }));

  async function create(): Promise<string> {
    const fields = { id: newId(), owner: 'ann', data: { n: 1 }, duration: 600 };
    const { id } = await cache.create(command('create', fields), attempt());
    await invalidations.settled();
    return id;
  }

  /** A get whose answer has left Redis before something happens, and arrives afterwards. */
  async function readAround(id: string, happens: () => Promise<unknown>): Promise<TokenRecord | undefined> {
    beforeArrival = async () => {
      beforeArrival = async () => {};
      await happens();
    };
    return get(id);
  }

  /** Whether the next get is answered without the repository. */
  async function isKept(id: string): Promise<boolean> {
    const before = asked;
    await get(id);
    return asked === before;
  }

  it('is kept where nothing happened', async () => {
    const id = await create();
    await readAround(id, async () => {});
    assert.isTrue(await isKept(id));
  });

  it('does not push the clock ahead where it is kept, however often', async () => {
    const id = await create();
    await readAround(id, async () => {});
    const [monotonic, wall] = [performance.now(), Date.now()];
    const clocks = [stub(performance, 'now').returns(monotonic), stub(Date, 'now').returns(wall)];
    try {
      const before = cache.now();
      for (let i = 0; i < 1_000; i++) assert.isDefined(cache.peek(id, SCOPE));
      assert.equal(cache.now(), before + 1);
    } finally {
      for (const clock of clocks) clock.restore();
    }
  });

  it('is kept as it was answered, whatever its caller does to that', async () => {
    const id = await create();
    const found = await get(id);
    (found as TokenRecord).data.n = 2;
    assert.isTrue(await isKept(id));
    assert.deepEqual((await get(id))?.data, { n: 1 });
  });

  const changes: Record<string, (repository: TokenRepository, id: string) => Promise<unknown>> = {
    delete: (repository, id) => repository.delete(command('delete', { id }), attempt()),
    deleteAll: (repository) => repository.deleteAll(command('deleteAll', { owner: 'ann' }), attempt()),
    consume: (repository, id) => repository.consume(command('consume', { id }), attempt()),
    deleteById: (repository, id) => repository.deleteById(command('deleteById', { id }), attempt()),
    deleteScope: (repository) => repository.deleteScope(command('deleteScope', {}), attempt()),
    deleteApp: (repository) => repository.deleteApp(command('deleteApp', {}), attempt()),
    update: (repository, id) => repository.update(command('update', { id, data: { n: 2 } }), attempt()),
    refresh: (repository, id) => repository.refresh(command('refresh', { id, duration: 900 }), attempt()),
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`is not kept where a ${name} of this process has resolved meanwhile`, async () => {
      const id = await create();
      invalidations.listener = { invalidated: () => {}, lost: () => {} }; // as if all were still on the way
      assert.isDefined(await readAround(id, () => change(cache, id)), 'it began before');
      assert.isFalse(await isKept(id));
    });

    it(`is not kept where a ${name} of another process was heard of meanwhile`, async () => {
      const id = await create();
      await readAround(id, async () => {
        await change(direct, id);
        await invalidations.settled();
      });
      assert.isFalse(await isKept(id));
    });
  }

  it('is not kept where all was flushed meanwhile', async () => {
    const id = await create();
    await readAround(id, async () => {
      await world.redis.flushall();
      await invalidations.settled();
    });
    assert.isFalse(await isKept(id));
  });

  it('is not kept where its connection was lost meanwhile, though both are back', async () => {
    const id = await create();
    await readAround(id, async () => {
      await world.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await eventually('it is noticed', () => !invalidations.hears(performance.now()));
      await eventually('it hears again', () => invalidations.hears(performance.now()));
    });
    assert.isFalse(await isKept(id));
    assert.isTrue(await isKept(id), 'one that was asked for later is');
  });

  it('is not kept where another was begun after a change, and has not arrived yet', async () => {
    const id = await create();
    let second: Promise<TokenRecord | undefined> | undefined;
    const arrivals: (() => void)[] = [];
    await readAround(id, async () => {
      await direct.delete(command('delete', { id }), attempt());
      await invalidations.settled();
      beforeArrival = () => new Promise((resolve) => arrivals.push(resolve));
      second = get(id);
      await eventually('its answer has left Redis', () => arrivals.length === 1);
    });
    assert.isUndefined(cache.peek(id, SCOPE));
    for (const arrive of arrivals) arrive();
    assert.isUndefined(await second);
  });
});
