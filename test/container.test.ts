// The container: what it makes from plain options, and what of it may be replaced.
import { assert } from 'chai';
import { Container } from 'inversify';
import { ConfigError, createContainer, type TokenRepository, TYPES } from '../src/index.js';
import { MemoryTokenRepository } from '../src/memory/index.js';
import { CommandExecutor } from '../src/queue/executor.js';
import { SCOPE, Stage } from './queue/stage.js';
import { leakedConnections, openConnections } from './support/connection-leaks.js';

describe('A container', () => {
  const stage = new Stage();

  /** Closed after the test: the worker first, then what it stands on. */
  function contain(options: object = {}, given?: Container): Container {
    const container = createContainer({ connection: stage.url, prefix: stage.prefix, ...options }, given);
    return stage.opened.later(container, async () => {
      if (container.isBound(TYPES.TokenWorker)) await container.get(TYPES.TokenWorker).close();
      await container.unbindAllAsync();
    });
  }

  it('resolves a worker that runs commands, from plain options', async () => {
    await contain().get(TYPES.TokenWorker).start();
    const producer = stage.producer();
    const { token } = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    assert.equal((await producer.get({ ...SCOPE, token }))?.owner, 'ann');
  });

  it('holds one of each', () => {
    const container = contain();
    for (const type of Object.values(TYPES)) {
      assert.strictEqual(container.get<unknown>(type), container.get<unknown>(type));
    }
    assert.notStrictEqual(container.get(TYPES.TokenRepository), contain().get(TYPES.TokenRepository));
  });

  it('is asked by names that another copy of this module knows too', () => {
    for (const [name, type] of Object.entries(TYPES)) {
      assert.strictEqual(type, Symbol.for(`redis-tokens:${name}`) as never);
    }
  });

  it('whose repository is rebound has its commands run there', async () => {
    const container = contain();
    const memory = new MemoryTokenRepository();
    await container.unbind(TYPES.TokenRepository);
    container.bind(TYPES.TokenRepository).toConstantValue(memory);
    await container.get(TYPES.TokenWorker).start();
    const producer = stage.producer();
    const { id } = await producer.create({ ...SCOPE, owner: 'ann', duration: 60 });
    const command = { op: 'get', issuedAt: memory.now(), ...SCOPE, id } as const;
    assert.equal((await memory.get(command))?.owner, 'ann');
    assert.deepEqual(await stage.redis.keys(`{${stage.prefix}:*`), [], 'and nowhere else');
    assert.isTrue(await producer.deleteAll({ ...SCOPE, owner: 'ann' }).then((count) => count === 1));
    assert.isUndefined(await memory.get(command));
  });

  it('of the caller’s own keeps what is bound there already', async () => {
    const own = new Container();
    const memory: TokenRepository = new MemoryTokenRepository();
    own.bind(TYPES.TokenRepository).toConstantValue(memory);
    own.bind('another').toConstantValue(7);
    const container = contain({}, own);
    assert.strictEqual(container, own);
    assert.strictEqual(container.get(TYPES.TokenRepository), memory);
    assert.equal(container.get('another'), 7);
    await container.get(TYPES.TokenWorker).start();
    await stage.producer().create({ ...SCOPE, owner: 'ann', duration: 60 });
    assert.deepEqual(await stage.redis.keys(`{${stage.prefix}:*`), []);
  });

  it('made twice from the same one changes nothing', () => {
    const container = contain();
    const worker = container.get(TYPES.TokenWorker);
    createContainer({ prefix: 'other' }, container);
    assert.strictEqual(container.get(TYPES.TokenWorker), worker);
    assert.equal(container.get(TYPES.Options).prefix, stage.prefix);
  });

  it('has the worker run its commands by the executor that is bound', async () => {
    const own = new Container();
    const lanes: string[] = [];
    own
      .bind(TYPES.CommandExecutor)
      .toResolvedValue(
        (repository: TokenRepository) => {
          const rules = { resultsPrefix: `${stage.prefix}:results:`, maxDataBytes: 100 };
          const executor = new CommandExecutor(repository, rules);
          const execute = executor.execute.bind(executor);
          executor.execute = (job, ...rest) => {
            lanes.push(job.lane);
            return execute(job, ...rest);
          };
          return executor;
        },
        [TYPES.TokenRepository],
      )
      .inSingletonScope();
    await contain({}, own).get(TYPES.TokenWorker).start();
    await stage.producer().delete({ ...SCOPE, token: 'x' });
    assert.deepEqual(lanes, ['revocations']);
  });

  it('closes the repository that it made when it is unbound, and leaves no connection', async () => {
    await stage.redis.ping();
    const known = await openConnections();
    const container = createContainer({ connection: stage.url, prefix: stage.prefix });
    const worker = container.get(TYPES.TokenWorker);
    const repository = container.get(TYPES.TokenRepository);
    await worker.start();
    await worker.close();
    assert.isTrue(repository.isReady, 'the worker does not close what the container holds');
    await container.unbindAllAsync();
    assert.deepEqual([...(await leakedConnections(known)).values()], []);
  });

  it('passes options on, and refuses wrong ones when the worker is asked for', () => {
    assert.throws(() => createContainer({ conncurrency: 1 } as never).get(TYPES.TokenWorker), ConfigError);
    assert.throws(() => createContainer({ connection: 'nowhere' }).get(TYPES.TokenWorker), ConfigError);
    assert.throws(() => createContainer({ shards: 3 }).get(TYPES.TokenWorker), ConfigError);
  });
});
