// The whole of it: a worker, a producer, a subscriber and an application, each a process of its own.
import { assert } from 'chai';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { killPrograms, startCommand, startProgram } from './processes.js';

describe('Four processes', function () {
  this.timeout(30_000);

  afterEach(killPrograms);

  it('make a token over the queue, read it, revoke it, and hear of that', async () => {
    const { url } = await sharedRedis();
    const prefix = freshPrefix();
    const env = { REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix };
    const worker = startCommand(['worker'], env);
    const producer = startProgram('producer', { url, prefix });
    const subscriber = startProgram('subscriber', { url, prefix });
    const application = startProgram('application', { url, prefix });
    const programs = [producer, subscriber, application];
    await Promise.all([
      worker.line('redis-tokens worker is ready'),
      ...programs.map((one) => one.line('ready')),
    ]);

    producer.write('create\n');
    const token = (await producer.line('token ')).slice(6);
    assert.match(token, /^rt_[0-9A-Za-z]{49}$/);

    application.write(`${token}\n`);
    const seen = JSON.parse((await application.line('{')) as string);
    assert.deepInclude(seen, {
      app: 'shop',
      type: 'session',
      owner: 'ann',
      data: { cart: [] },
      version: 1,
      token,
    });

    producer.write('revoke\n');
    assert.equal(await producer.line('revoked '), 'revoked true');
    const event = JSON.parse((await subscriber.line('{')) as string);
    assert.deepInclude(event, { type: 'token-revoked', subject: seen.id });
    assert.deepInclude(event.data, {
      app: 'shop',
      type: 'session',
      owner: 'ann',
      version: 1,
      reason: 'deleted',
    });

    application.write(`${token}\n`);
    assert.equal(await application.line('gone'), 'gone');

    for (const program of programs) program.write('', true);
    for (const program of programs) assert.deepEqual(await program.ended, { code: 0, signal: null });
    worker.kill('SIGTERM');
    assert.deepEqual(await worker.ended, { code: 0, signal: null });
    for (const program of [worker, ...programs]) {
      assert.deepEqual(program.stderr, []);
      if (program === worker || program === subscriber) assert.notInclude(program.stdout.join('\n'), token);
    }
  });
});
