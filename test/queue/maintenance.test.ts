// What workers do unasked: tokens that have expired are told of, once, however many workers there are.
import { assert } from 'chai';
import { eventually } from '../support/eventually.js';
import { moveIntoPast } from '../support/time-travel.js';
import { SCOPE, Stage } from './stage.js';

describe('A deployment with workers', function () {
  this.timeout(40_000);
  const stage = new Stage();

  const logged = async () =>
    (await stage.redis.xrange(`{${stage.prefix}:0}:log`, '-', '+')).map(([, [, text]]) =>
      JSON.parse(text as string),
    );
  const expired = async () => (await logged()).filter(({ type }) => type === 'token-expired');

  async function createMany(count: number): Promise<string[]> {
    const repository = stage.repository();
    await repository.ready();
    const tokens = await Promise.all(
      Array.from({ length: count }, (_, i) => {
        const issuedAt = repository.now();
        const id = `AA${String(i).padStart(20, '0')}`;
        const command = { op: 'create', issuedAt, ...SCOPE, id, owner: `o${i % 50}` } as const;
        return repository.create(
          { ...command, data: {}, duration: 60, custom: true },
          { until: issuedAt + 5_000_000 },
        );
      }),
    );
    return tokens.map(({ id }) => id);
  }

  it('is told of each token that has expired, once, by ten of them', async () => {
    const ids = await createMany(1_000);
    await moveIntoPast(stage.redis, stage.prefix, 120_000);
    await Promise.all(Array.from({ length: 10 }, () => stage.startWorker()));
    await eventually('all are told', async () => (await expired()).length >= ids.length, 15_000);
    // More sweeps, to see whether they tell anything twice.
    await Promise.all(Array.from({ length: 5 }, () => stage.repository().sweep()));
    assert.equal(await stage.queue('maintenance').getCompletedCount(), 0, 'nothing is kept of sweeps');
    assert.sameMembers(
      (await expired()).map(({ subject }) => subject),
      ids,
    );
    const left = await stage.redis.keys(`{${stage.prefix}:0}:*`);
    assert.sameMembers(
      left.map((key) => key.split(':').at(-1)),
      ['log'],
    );
  });

  it('has one sweep at a time to come, whoever starts or dies', async () => {
    const workers = await Promise.all(Array.from({ length: 5 }, () => stage.startWorker()));
    await Promise.all(workers.slice(1).map((worker) => worker.close()));
    await stage.startWorker();
    const queue = stage.queue('maintenance');
    await eventually('a sweep to come', async () => (await queue.getDelayedCount()) === 1, 15_000);
    assert.lengthOf(await queue.getJobSchedulers(), 1);
    assert.isAtMost(await queue.getWaitingCount(), 1);
    assert.equal(await queue.getFailedCount(), 0);
  });

  it('takes no jobs of others for a sweep', async () => {
    const errors: Error[] = [];
    const worker = stage.worker();
    worker.on('error', (error) => errors.push(error));
    await worker.start();
    const queue = stage.queue('maintenance');
    await queue.add('token-create', { anything: 1 });
    await eventually('it is refused', () =>
      errors.some(({ message }) => message.includes('takes no jobs of others')),
    );
    assert.equal(await queue.getFailedCount(), 0);
  });
});
