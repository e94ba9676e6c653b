// The command on jobs that failed for good.
import { Queue } from 'bullmq';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { TokenProducer, TokenWorker } from '../../src/index.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { run } from './in-process.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann', duration: 60 };

describe('redis-tokens dead-letters', function () {
  this.timeout(60_000);

  const opened = new Opened();
  let prefix: string;
  let env: Record<string, string>;
  let commands: Queue;
  let redis: Redis;
  let producer: TokenProducer;

  const letters = (...args: string[]) => run(['dead-letters', ...args], { env });

  beforeEach(async () => {
    const { url } = await sharedRedis();
    prefix = freshPrefix();
    env = { REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix };
    redis = new Redis(url, { maxRetriesPerRequest: null });
    opened.later(redis, () => redis.disconnect());
    commands = opened.add(new Queue('commands', { connection: redis, prefix: `{${prefix}}` }));
    producer = opened.add(new TokenProducer(url, { prefix }));
  });

  /** Jobs that no worker can read, and one whose store was out of reach for longer than its attempts. */
  async function fail(): Promise<string> {
    const { REDIS_URL: connection } = env;
    await commands.add('poison', { v: 1, commands: 'x\u001b[31m' }, { jobId: 'poison' });
    const receipt = await producer.enqueue('create', ANN);
    const job = await commands.getJob(receipt.jobId);
    // As if its workers had died more often than they may.
    await redis.hset(`{${prefix}}:commands:${job?.id}`, 'defa', 'job stalled more than allowable limit');
    const worker = new TokenWorker({ connection, prefix });
    let failed = 0;
    const both = new Promise<void>((resolve) => worker.on('failed', () => ++failed === 2 && resolve()));
    await worker.start();
    await both;
    await worker.close();
    return receipt.jobId;
  }

  it('tells that there is no deployment, and makes none', async () => {
    const none = freshPrefix();
    const actions = [['list'], ['show', 'j-1'], ['retry', '--all'], ['drop', 'j-1']];
    const ends = await Promise.all(actions.map((args) => letters(...args, '--prefix', none)));
    for (const { status, stdout, stderr } of ends) {
      expect({ status, stdout }).deep.equal({ status: 2, stdout: '' });
      expect(stderr).contain('there is no deployment with this prefix here').contain('--prefix');
    }
    expect(await redis.keys(`*${none}*`)).deep.equal([]);
    await producer.ready();
    const differs = await letters('list', '--shards', '2');
    expect(differs.status).equal(2);
    expect(differs.stderr).contain('shards is 1 in this deployment, but 2 here');
  });

  it('works on queues whose tokens are elsewhere', async () => {
    await commands.waitUntilReady(); // it leaves its mark
    await commands.add('poison', {}, { jobId: 'poison' });
    expect(await letters('list')).include({ status: 0, stdout: 'no dead letters\n' });
    expect(await redis.exists(`{${prefix}}:meta`)).equal(0);
  });

  it('tells that there are none, and of one that is none', async () => {
    await producer.ready();
    const [none, json, missing, neither] = await Promise.all([
      letters('list'),
      letters('list', '--json'),
      letters('show', 'j-1'),
      letters('retry'),
    ]);
    expect([none.status, none.stdout]).deep.equal([0, 'no dead letters\n']);
    expect([json.status, json.stdout]).deep.equal([0, '[]\n']);
    expect(missing.status).equal(1);
    expect(missing.stderr).contain('j-1 is no dead letter');
    expect(neither.status).equal(2);
    expect(neither.stderr).contain('--all');
  });

  it('lists them, and shows one with what whoever waits was told', async () => {
    const jobId = await fail();
    const [list, some, json, show, shown] = await Promise.all([
      letters('list'),
      letters('list', '--limit', '1', '--lane', 'commands'),
      letters('list', '--json'),
      letters('show', jobId),
      letters('show', 'poison'),
    ]);
    expect(list.stdout).match(new RegExp(`commands +${jobId} .* create +job stalled`));
    expect(list.stdout).match(/commands +poison .* none that can be read +job: /);
    expect(some.stdout.trim().split('\n')).lengthOf(2);
    expect(some.stderr).contain('1 of 2');
    expect(JSON.parse(json.stdout).map((letter: { jobId: string }) => letter.jobId)).members([
      jobId,
      'poison',
    ]);
    expect(show.stdout).contain('"op": "create"').contain('"COMMAND_FAILED"');
    expect(shown.stdout, 'what a terminal would obey is escaped').not.contain('\u001b');
  });

  it('runs one again, and then it is done', async () => {
    const jobId = await fail();
    const retried = await letters('retry', jobId, 'poison', 'nobody', '--json');
    expect(JSON.parse(retried.stdout)).deep.equal([{ lane: 'commands', jobId }]);
    expect(retried.stderr).contain('no worker can read poison').contain('nobody is no dead letter');
    expect(retried.status, 'a part of it').equal(4);
    const worker = opened.add(new TokenWorker({ connection: env.REDIS_URL, prefix }));
    await worker.start();
    expect((await producer.list({ app: 'shop', type: 'session', owner: 'ann' })).length).equal(1);
    expect((await letters('list', '--json')).stdout)
      .contain('poison')
      .not.contain(jobId);
  });

  it('drops one, or all', async () => {
    const jobId = await fail();
    expect((await letters('drop', jobId)).stdout).equal('dropped: 1\n');
    expect((await letters('drop', '--all', '--lane', 'revocations')).stdout).equal('dropped: 0\n');
    expect((await letters('drop', '--all')).stdout).equal('dropped: 1\n');
    expect((await letters('list')).stdout).equal('no dead letters\n');
  });
});
