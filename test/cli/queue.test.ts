// The command on the queues themselves.
import { expect } from 'chai';
import { RedisTokens, TokenProducer, TokenWorker } from '../../src/index.js';
import { rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { run } from './in-process.js';

const SCOPE = { app: 'shop', type: 'session' };

describe('redis-tokens queue', function () {
  this.timeout(60_000);

  const opened = new Opened();
  let url: string;
  let prefix: string;

  beforeEach(async () => {
    url = (await sharedRedis()).url;
    prefix = freshPrefix();
  });

  const queue = (...args: string[]) =>
    run(['queue', ...args], { env: { REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix } });
  const states = async (...args: string[]) => JSON.parse((await queue(...args, '--json')).stdout);

  it('tells what waits and for how long, holds it, and lets it go again', async () => {
    const producer = opened.add(new TokenProducer(url, { prefix }));
    const enqueue = () => producer.enqueue('create', { ...SCOPE, owner: 'ann', duration: 60 });
    await enqueue();
    const [held] = await states('pause', '--lane', 'commands');
    expect(held).include({ lane: 'commands', paused: true, workers: 0, waiting: 1, active: 0, failed: 0 });
    expect(held.oldest).within(1, 60_000);

    const worker = opened.add(new TokenWorker({ connection: url, prefix }));
    await worker.start();
    const receipt = await enqueue();
    expect(await producer.deleteAll({ ...SCOPE, owner: 'ann' })).equal(0); // the other lane is served
    expect((await rejection(producer.result(receipt, { timeout: 300 }))).message).contain('no result');
    const shown = await queue();
    const [head, commands, revocations] = shown.stdout.split('\n').map((line) => line.split(/ +/));
    expect(head?.join(' ')).equal('LANE STATE WORKERS WAITING OLDEST ACTIVE DELAYED DEAD');
    expect(commands?.slice(0, 4)).deep.equal(['commands', 'paused', '1', '2']);
    expect(revocations?.slice(0, 5)).deep.equal(['revocations', 'running', '1', '0', '-']);

    expect(await states('resume')).deep.include(atRest('revocations'));
    await producer.result(receipt).catch(() => {}); // revoked before it was made
    expect(await states()).deep.equal([atRest('commands'), atRest('revocations')]);
  });

  it('stands among the numbers of `stats`, with the tokens by scope', async () => {
    const tokens = opened.add(new RedisTokens(url, { prefix }));
    for (const type of ['session', 'session', 'reset\n']) {
      await tokens.create({ app: 'shop', type, owner: 'ann', duration: 60 });
    }
    const env = { REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix };
    const [shown, json] = await Promise.all([run(['stats'], { env }), run(['stats', '--json'], { env })]);
    expect(shown.stdout).match(/^live tokens {2}3\nevents {7}3 since the log began\n/);
    expect(shown.stdout).contain('\n2     shop  session\n1     shop  reset\\u000a\n');
    expect(shown.stdout).contain('commands     no worker');
    expect(JSON.parse(json.stdout)).nested.include({
      'tokens.live': 3,
      'tokens.complete': true,
      'queues.length': 2,
    });
  });

  const atRest = (lane: string) => ({
    ...{ lane, paused: false, workers: 1, waiting: 0, active: 0, delayed: 0, failed: 0 },
  });

  it('refuses where there is no deployment, and makes none', async () => {
    const ends = await Promise.all([queue(), queue('pause'), queue('resume')]);
    for (const { status, stderr } of ends) {
      expect(status).equal(2);
      expect(stderr).contain('there is no deployment with this prefix here');
    }
    const tokens = opened.add(new RedisTokens(url, { prefix }));
    expect(await tokens.client.keys(`*${prefix}*`)).deep.equal([]);
  });
});
