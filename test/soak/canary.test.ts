// No token is found anywhere: a scan of all that the library leaves, sends, prints or throws.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Queue } from 'bullmq';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import sinon from 'sinon';
import {
  generateToken,
  RedisTokens,
  ResultTimeoutError,
  TokenError,
  type TokenOperations,
  TokenProducer,
} from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { type Deployment, openDeployment, rejection, until } from '../acceptance/deployment.js';
import { killPrograms, startCommand } from '../acceptance/processes.js';

const SCOPE = { app: 'shop', type: 'session' };
const OWNER = { ...SCOPE, owner: 'ann' };

/** What a secret looks like where somebody encoded it. */
function formsOf(token: string): string[] {
  const bytes = Buffer.from(token);
  const forms = [
    token,
    JSON.stringify(token).slice(1, -1),
    inspect(token).slice(1, -1),
    encodeURIComponent(token),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
  // Half of a secret is too much as well.
  if (token.startsWith('rt_')) forms.push(token.slice(3, 29));
  return [...new Set(forms)];
}

/** Everything that was seen, by the place where it was. */
class Sightings {
  readonly #texts: [place: string, text: string][] = [];

  add(place: string, text: string): void {
    this.#texts.push([place, text]);
  }

  /** An error, from every side that a logger could look at it. */
  addError(place: string, error: unknown): void {
    for (const text of textsOf(error)) this.add(place, text);
  }

  /** The places where one of the tokens stands. */
  placesOf(tokens: Iterable<string>): string[] {
    const forms = [...tokens].flatMap(formsOf);
    const places = this.#texts.filter(([, text]) => forms.some((form) => text.includes(form)));
    return [...new Set(places.map(([place]) => place))].sort();
  }

  /** How many texts were seen in each place. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [place] of this.#texts) counts[place] = (counts[place] ?? 0) + 1;
    return counts;
  }
}

function* textsOf(error: unknown): Generator<string> {
  yield inspect(error, { depth: 12 });
  for (let link = error, depth = 0; link !== undefined && link !== null && depth < 8; depth++) {
    yield String(link);
    if (typeof link !== 'object') return;
    for (const name of Reflect.ownKeys(link)) {
      const value = (link as Record<PropertyKey, unknown>)[name];
      yield typeof value === 'string' ? value : inspect(value, { depth: 12 });
      if (typeof value === 'object') yield JSON.stringify(value) ?? '';
    }
    yield JSON.stringify(link) ?? '';
    link = (link as { cause?: unknown }).cause;
  }
}

describe('A token', function () {
  this.timeout(60_000);
  let server: RedisServer;
  let dir: string;
  let deployment: Deployment;
  let redis: Redis;
  let monitor: Redis;
  let listener: Redis;
  let seen: Sightings;
  let secrets: Set<string>;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'redis-tokens-canary-'));
    const slow = ['--slowlog-log-slower-than', '0', '--slowlog-max-len', '100000'];
    server = await startRedisServer({
      dir,
      args: ['--appendonly', 'yes', '--aof-use-rdb-preamble', 'no', ...slow],
    });
    seen = new Sightings();
    secrets = new Set();
    redis = new Redis(server.url);
    monitor = await redis.monitor();
    monitor.on('monitor', (_time: string, args: string[]) => {
      seen.add('MONITOR', args.join(' '));
    });
    listener = redis.duplicate();
    listener.on('pmessage', (_pattern: string, channel: string, text: string) => {
      seen.add('channel', channel);
      seen.add('message', text);
    });
    await listener.psubscribe('*');
    captureOutput();
    deployment = await openDeployment({}, server.url);
  });

  afterEach(async () => {
    sinon.restore();
    killPrograms();
    await deployment?.close();
    monitor?.disconnect();
    await Promise.all([listener, redis].map((client) => client?.quit()));
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('is nowhere but in the hands of its caller', async () => {
    await useEverything();
    await lookEverywhere();
    assert.deepEqual(seen.placesOf(secrets), []);
    // Otherwise the scan would have looked away.
    const counts = seen.counts();
    const places = [
      'AOF',
      'MONITOR',
      'SLOWLOG',
      'channel',
      'error',
      'hash',
      'hint',
      'key',
      'message',
      'numbers',
      'set',
      'stream',
      'string',
      'zset',
    ];
    for (const place of places) assert.isAbove(counts[place] ?? 0, 0, place);
    assert.isAbove(secrets.size, 20);
    assert.isAbove(counts.error ?? 0, 50);
  });

  it('is not told again by the command line, wherever it was put by mistake', async () => {
    const token = keep(generateToken());
    const mistakes = [
      [token],
      [`it's ${token}`],
      ['get', `--token=${token}`, '--app', 'a', '--type', 'b'],
      ['get', token, token, '--app', 'a', '--type', 'b'],
      ['--json', 'revoke', `-${token}`],
      ['list', token],
    ];
    await Promise.all(
      mistakes.map(async (args) => {
        const program = startCommand(args, { REDIS_URL: server.url });
        assert.equal((await program.ended).code, 2);
        const told = program.stderr.join('\n');
        assert.notEqual(told, '');
        seen.add(
          `output of ${args.join(' ').replaceAll(token, '<token>')}`,
          told + program.stdout.join('\n'),
        );
      }),
    );
    assert.deepEqual(seen.placesOf(secrets), []);
  });

  it('that is planted anywhere is found there', async () => {
    const canary = generateToken();
    await redis.set('string', `x${canary}`);
    await redis.set(`key ${canary}`, '');
    await redis.hset('hash', 'field', canary);
    await redis.zadd('zset', 1, JSON.stringify([canary]));
    await redis.sadd('set', encodeURIComponent(canary));
    await redis.rpush('list', Buffer.from(canary).toString('hex'));
    await redis.xadd('stream', '*', 'event', canary);
    await redis.publish('some channel', canary);
    await redis.publish(canary, 'some message');
    const client = redis.duplicate();
    const queue = new Queue('planted', { connection: client, prefix: '{planted}' });
    await queue.add('job', { token: canary });
    await queue.close();
    await client.quit();
    console.log(`(planted) ${canary}`);
    console.error(`(planted) ${canary.slice(3, 40)}`);
    seen.addError(
      'error',
      new Error('outer', { cause: Object.assign(new Error('inner'), { command: { args: [canary] } }) }),
    );
    seen.addError('hidden property', Object.defineProperty(new Error('x'), 'secret', { value: canary }));
    await lookEverywhere();
    const everywhere = [
      'AOF',
      'MONITOR',
      'SLOWLOG',
      'channel',
      'error',
      'hash',
      'hidden property',
      'key',
      'list',
      'message',
      'output',
      'set',
      'stream',
      'string',
      'zset',
    ];
    assert.deepEqual(seen.placesOf([canary]), everywhere);
    assert.deepEqual(seen.placesOf([generateToken()]), []);
  });

  /** Every operation by every way, with generated tokens and with the caller's own, also where it fails. */
  async function useEverything(): Promise<void> {
    const { tokens, producer } = deployment;
    for (const [, door] of deployment.doors) {
      for (const customToken of [undefined, `custom "secret" \\ 🙂 ${generateToken()}`, generateToken()]) {
        await useToken(door, customToken);
      }
      await failWith(door);
    }
    await useCommands(producer);
    // In a batch, with one that fails among them.
    const customToken = keep(`batch ${generateToken()}`);
    await tokens.create({ ...OWNER, duration: 60, customToken });
    const batch = await Promise.allSettled([
      ...Array.from({ length: 20 }, () => producer.create({ ...OWNER, duration: 60, data: { a: 1 } })),
      producer.create({ ...OWNER, duration: 60, customToken }),
    ]);
    for (const outcome of batch) {
      if (outcome.status === 'fulfilled') keep(outcome.value.token);
      else seen.addError('error', outcome.reason);
    }
    await Promise.all([...secrets].map((token) => producer.delete({ ...SCOPE, token })));
    await failInRedis(customToken);
    await failWithoutRedis();
    await useCommandLine();
    for (const event of await deployment.events()) seen.add('event', inspect(event));
    const objects = [tokens, producer, deployment];
    seen.add('printed objects', inspect(objects.slice(0, 2), { depth: 12, showHidden: true }));
  }

  async function useToken(door: TokenOperations, customToken: string | undefined): Promise<void> {
    const created = await door.create({ ...OWNER, duration: 60, data: { cart: 1 }, customToken });
    const token = keep(created.token);
    const input = { ...SCOPE, token };
    await door.get(input);
    const shown = { hint: true, label: 'a phone', idle: 30 };
    const hinted = await door.create({
      ...{ ...OWNER, ...shown, duration: 60, limit: { max: 2, overflow: 'end-oldest' } },
      ...(customToken && { customToken: `${generateToken().slice(3)}${customToken}` }),
    });
    keep(hinted.token);
    // Four characters are what is shown on purpose, and no more than they.
    assert.include(hinted.token, hinted.hint?.slice(-4) ?? 'none');
    seen.add('hint', inspect({ ...hinted, token: undefined }));
    await door.get({ ...SCOPE, token: hinted.token });
    await door.get({ ...SCOPE, token: hinted.token, touch: false });
    await fails(() => door.create({ ...OWNER, duration: 60, limit: { max: 1 } }));
    await fails(() => door.update({ ...input, data: { a: 1 }, ifVersion: 9 }));
    seen.add('numbers', inspect([await door.count(OWNER), await door.owners(SCOPE)], { depth: 12 }));
    await door.update({ ...input, data: { cart: null, more: [1] } });
    await door.refresh({ ...input, duration: 120 });
    await door.rotate(input); // a custom one: nothing
    const first = keep((await door.create({ ...OWNER, duration: 60, hint: true })).token);
    const second = keep((await door.rotate({ ...SCOPE, token: first, grace: 60 }))?.token as string);
    assert.equal((await door.rotate({ ...SCOPE, token: first }))?.token, second);
    const third = keep((await door.rotate({ ...SCOPE, token: second }))?.token as string);
    await fails(() => door.rotate({ ...SCOPE, token: third, grace: 301 }));
    await door.get({ ...SCOPE, token: second }); // used again
    assert.isUndefined(await door.get({ ...SCOPE, token: third }));
    seen.add('list', inspect(await door.list(OWNER), { depth: 12, showHidden: true }));
    seen.add('id', door.idOf(input));
    if (customToken) await fails(() => door.create({ ...OWNER, duration: 60, customToken }));
    await fails(() => door.update({ ...input, data: { big: 'x'.repeat(70_000) } }));
    await door.delete(input);
    await door.get(input);
    await door.delete(input);
    const another = await door.create({ ...OWNER, duration: 60 });
    keep(another.token);
    await door.deleteAll(OWNER);
    await door.get(another);
    await door.get({ ...SCOPE, token: keep(generateToken()) });
    const spared = await door.create({ ...OWNER, duration: 60, data: { reset: true } });
    keep(spared.token);
    await door.deleteAll({ ...OWNER, except: spared.token, reason: 'elsewhere', by: 'user' });
    seen.add(
      'record',
      inspect(await door.getById({ ...SCOPE, id: spared.id }), { depth: 12, showHidden: true }),
    );
    const consumed = await door.consume({ ...SCOPE, token: spared.token, reason: 'used' });
    if (consumed?.token !== spared.token) throw new Error('it was not consumed');
    const listed = await door.create({ ...OWNER, duration: 60 });
    keep(listed.token);
    await door.deleteById({ ...SCOPE, id: listed.id, owner: listed.owner });
    await door.deleteAll({ ...OWNER, except: keep(generateToken()) });
  }

  /** Input that is wrong in its own right, with the secret in every place that it can be in. */
  async function failWith(door: TokenOperations): Promise<void> {
    const token = keep(generateToken());
    const wrong = [token.slice(0, -1), `${token}0`, token.repeat(30), `${token}\0`, `${token}\ud800`];
    for (const customToken of [...wrong, [token], { token }, Object(token), Symbol(token)] as string[]) {
      await fails(() => door.create({ ...OWNER, duration: -1, customToken }));
      if (typeof customToken === 'string') {
        const input = { ...SCOPE, token: customToken };
        await door.get(input);
        await door.update({ ...input, data: {} });
        await door.refresh({ ...input, duration: 1 });
        await door.delete(input);
        await door.consume(input);
        await door.deleteAll({ ...OWNER, except: customToken });
        continue;
      }
      const input = { ...SCOPE, token: customToken };
      await fails(() => door.get(input));
      await fails(() => door.update({ ...input, data: {} }));
      await fails(() => door.refresh({ ...input, duration: 1 }));
      await fails(() => door.delete(input));
      await fails(() => door.consume(input));
      await fails(() => door.deleteAll({ ...OWNER, except: customToken }));
      await fails(async () => door.idOf(input));
    }
    await fails(() => door.get({ app: '', type: '', token }));
    await fails(() => door.update({ ...SCOPE, token, data: [] }));
    await fails(() => door.refresh({ ...SCOPE, token, duration: 1e15 }));
  }

  async function useCommands(producer: TokenProducer): Promise<void> {
    const customToken = keep(generateToken());
    const create = { ...OWNER, duration: 60, customToken };
    const receipt = await producer.enqueue('create', create, { commandId: 'create-1' });
    keep(receipt.token);
    seen.add('receipt', `${inspect(receipt)}${JSON.stringify(receipt)}`);
    await producer.result(receipt);
    await producer.create(create, { commandId: 'create-1' });
    await fails(() =>
      producer.create({ ...create, customToken: keep(generateToken()) }, { commandId: 'create-1' }),
    );
    await fails(() =>
      producer.delete({ ...SCOPE, token: customToken }, { commandId: customToken.repeat(9) }),
    );
    const input = { ...SCOPE, token: customToken };
    for (const [operation, rest] of [
      ['get', {}],
      ['update', { data: { a: 1 } }],
      ['refresh', { duration: 60 }],
      ['delete', {}],
    ] as const) {
      const sent = await producer.enqueue(operation, { ...input, ...rest } as never, {
        commandId: `one-${operation}`,
      });
      seen.add('receipt', inspect(sent, { showHidden: true }));
      await producer.result(JSON.parse(JSON.stringify(sent)));
    }
    const unnamed = await producer.enqueue('create', { ...OWNER, duration: 60 });
    keep(unnamed.token);
    seen.add('receipt', `${inspect(unnamed)}${JSON.stringify(unnamed)}`);
    await producer.result(unnamed);
    // Nobody serves this deployment's queues, so that its result never comes.
    const unserved = new TokenProducer(server.url, { prefix: 'unserved', timeout: 50 });
    const error = await rejection(unserved.create({ ...create, customToken: keep(generateToken()) }));
    await unserved.close();
    assert.instanceOf(error, ResultTimeoutError);
    const { receipt: late, ...rest } = error as ResultTimeoutError;
    seen.add(
      'error',
      `${inspect(error, { depth: 12 })}${JSON.stringify(error)}${error.stack}${inspect(late)}${inspect(rest)}`,
    );
  }

  /** Redis itself refuses: ioredis hangs the command, with its arguments, on such errors. */
  async function failInRedis(token: string): Promise<void> {
    const { tokens, producer, prefix } = deployment;
    const input = { ...SCOPE, token };
    await redis.rpush(`{${prefix}:0}:t:${tokens.idOf(input)}`, 'no string');
    for (const door of [tokens, producer]) {
      await fails(() => door.update({ ...input, data: { a: 1 } }));
      await fails(() => door.refresh({ ...input, duration: 1 }));
      await fails(() => door.delete(input));
      await fails(() => door.create({ ...OWNER, duration: 60, customToken: token }));
    }
    await fails(() => tokens.get(input));
    await redis.config('SET', 'maxmemory', '1');
    await fails(() => tokens.create({ ...OWNER, duration: 60, customToken: keep(generateToken()) }));
    await fails(() => producer.create({ ...OWNER, duration: 60, customToken: keep(generateToken()) }));
    await redis.config('SET', 'maxmemory', '0');
    await redis.acl('SETUSER', 'guest', 'on', '>password', '~*', '+@connection', '+info');
    const { port } = server;
    const guest = new RedisTokens(
      { port, username: 'guest', password: 'password' },
      { prefix, timeout: 200 },
    );
    await fails(() => guest.get(input));
    await guest.close();
  }

  async function failWithoutRedis(): Promise<void> {
    for (const Door of [RedisTokens, TokenProducer]) {
      const door = new Door('redis://127.0.0.1:1', { timeout: 50 });
      const token = keep(generateToken());
      await fails(() => door.create({ ...OWNER, duration: 60, customToken: token }));
      await fails(() => door.get({ ...SCOPE, token }));
      await fails(() => door.delete({ ...SCOPE, token }));
      await door.close();
      await fails(() => door.get({ ...SCOPE, token }));
    }
  }

  async function useCommandLine(): Promise<void> {
    const env = { REDIS_URL: server.url, REDIS_TOKENS_PREFIX: deployment.prefix };
    const scope = ['--app', 'shop', '--type', 'session'];
    const run = async (args: string[], input: string, status: number, prints = false) => {
      const program = startCommand(args, env);
      program.write(input, true);
      const { code } = await program.ended;
      const told = program.stderr.join('\n');
      assert.equal(code, status, `${args.join(' ')}: ${told}`);
      seen.add(`stderr of ${args[0]}`, told);
      // What `create` prints is the token: the caller's hands.
      if (!prints) seen.add(`stdout of ${args[0]}`, program.stdout.join('\n'));
      return program.stdout.join('\n');
    };
    const watching = startCommand(['watch', '--json'], env);
    const made = ['create', ...scope, '--owner', 'ann', '--duration', '60'];
    const [printed, custom] = await Promise.all([
      run(['--json', ...made], '', 0, true),
      run([...made, '--token', '-', '--queue'], `${keep(`custom ${generateToken()}`)}\n`, 0, true),
    ]);
    assert.include(custom, 'custom rt_');
    const token = keep((JSON.parse(printed) as { token: string }).token);
    const ways = [[], ['--queue']];
    await Promise.all(ways.map((way) => run(['get', '-', ...scope, ...way], `${token}\n`, 0)));
    await Promise.all([
      run(['update', '-', ...scope, '--data', '{"a":1}', '--json'], `${token}\n`, 0),
      run(['refresh', '-', ...scope, '--duration', '1m', '--queue'], `${token}\n`, 0),
      run(['get', '-', '--app', 'another', '--type', 'session'], `${token}\n`, 1),
    ]);
    await Promise.all([
      run([...made, '--token', '-'], `${token}\n`, 2),
      run(['refresh', '-', ...scope, '--duration', '0'], `${token}\n`, 2),
      run(['list', ...scope, '--owner', 'ann'], '', 0),
      run(['update', '-', ...scope, '--data', '{}', '--if-version', '99'], `${token}\n`, 2),
      run(['get', '-', ...scope, '--no-touch'], `${token}\n`, 0),
      run(['owners', ...scope], '', 0),
    ]);
    await run(['revoke', '-', ...scope, '--queue'], `${token}\n`, 0);
    await run(['revoke', '-', ...scope], `${token}\n`, 1);
    watching.kill('SIGTERM');
    await watching.ended;
    seen.add('stdout of watch', [...watching.stdout, ...watching.stderr].join('\n'));
  }

  async function fails(call: () => Promise<unknown>): Promise<void> {
    const error = await rejection(call);
    assert.instanceOf(error, TokenError);
    seen.addError('error', error);
  }

  function keep(token: string): string {
    secrets.add(token);
    return token;
  }

  async function lookEverywhere(): Promise<void> {
    for (const key of await redis.keys('*')) {
      seen.add('key', key);
      const type = await redis.type(key);
      const read = {
        string: () => redis.get(key),
        hash: () => redis.hgetall(key),
        set: () => redis.smembers(key),
        zset: () => redis.zrange(key, '0', '-1', 'WITHSCORES'),
        list: () => redis.lrange(key, 0, -1),
        stream: () => redis.xrange(key, '-', '+'),
      }[type];
      seen.add(type, `${inspect(await read?.(), { depth: 9, maxArrayLength: null, maxStringLength: null })}`);
      if (type === 'string') seen.add(type, String(await redis.get(key)));
    }
    seen.add('SLOWLOG', inspect(await redis.slowlog('GET', -1), { depth: 9, maxArrayLength: null }));
    seen.add('CLIENT LIST', String(await redis.client('LIST')));
    // All that was sent before this comes before it.
    await redis.publish('the end', 'the end');
    await until(() => (seen.counts().message ?? 0) > 0 && seen.placesOf(['the end']).length > 1);
    for (const file of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) seen.add('AOF', readFileSync(join(file.parentPath, file.name), 'latin1'));
    }
  }

  /** Mocha prints through the same streams: it is let through, and looked at too. */
  function captureOutput(): void {
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
      sinon.replace(stream, 'write', ((text: unknown, ...rest: unknown[]) => {
        seen.add('output', String(text));
        return String(text).startsWith('(planted)') || write(text, ...rest);
      }) as typeof stream.write);
    }
  }
});
