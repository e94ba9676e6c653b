// Whatever is started and stopped leaves nothing behind: no connection, timer, handle or listener.
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as tick, setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { generateToken, RedisTokens, TokenProducer, TokenSubscriber, TokenWorker } from '../../src/index.js';
import type { Connection } from '../../src/redis/connection.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { killPrograms, start } from '../acceptance/processes.js';
import { Footprint } from '../faults/footprint.js';
import { SCOPE } from '../queue/stage.js';
import { freshPrefix } from '../support/redis.js';

const TIMES = 50;
const NOWHERE = 'redis://127.0.0.1:1';
const TOKEN = { ...SCOPE, token: generateToken() };

interface Started {
  start(): Promise<unknown>;
  close(): Promise<void>;
}

/** Each as a user starts it, with all the connections that it may open. */
const KINDS: Record<string, (connection: Connection, prefix: string) => Started> = {
  worker: (connection, prefix) => {
    const worker = new TokenWorker({ connection, prefix, timeout: 500, closeTimeout: 1_000 });
    return { start: () => worker.start(), close: () => worker.close() };
  },
  producer: (connection, prefix) => {
    const producer = new TokenProducer(connection, { prefix, timeout: 500 });
    const start = async () => {
      await producer.ready();
      await Promise.all(['get', 'delete'].map((op) => producer.enqueue(op as 'get', TOKEN)));
      await producer.get(TOKEN, { timeout: 1 }).catch(() => {}); // opens the inbox; nobody answers
    };
    return { start, close: () => producer.close() };
  },
  subscriber: (connection, prefix) => {
    const subscriber = new TokenSubscriber(connection, { prefix });
    return { start: () => subscriber.start(), close: () => subscriber.close() };
  },
  RedisTokens: (connection, prefix) => {
    const tokens = new RedisTokens(connection, { prefix, timeout: 500 });
    const start = () => {
      tokens.client.ping().catch(() => {}); // an ordinary client: ioredis may never answer for a connection that is cut
      return tokens.get(TOKEN);
    };
    return { start, close: () => tokens.close() };
  },
  'RedisTokens with a near cache': (connection, prefix) => {
    const tokens = new RedisTokens(connection, { prefix, timeout: 500, cache: {} });
    return { start: () => tokens.get(TOKEN), close: () => tokens.close() };
  },
};

describe('Started and stopped', function () {
  this.timeout(60_000);
  let server: RedisServer;
  let redis: Redis;
  let prefix: string;

  before(async () => {
    server = await startRedisServer({ log: () => {} });
    redis = new Redis(server.url, { maxRetriesPerRequest: null });
    await redis.ping();
  });

  beforeEach(() => {
    prefix = freshPrefix();
  });

  afterEach(killPrograms);

  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  /** Ends every connection but the observer's. */
  async function cut(): Promise<void> {
    for (const type of ['normal', 'pubsub']) await redis.call('CLIENT', 'KILL', 'TYPE', type);
  }

  for (const [name, open] of Object.entries(KINDS)) {
    describe(`a ${name}`, () => {
      it(`leaves nothing behind, ${TIMES} times over`, async () => {
        const footprint = await Footprint.take(redis);
        for (let i = 0; i < TIMES; i++) {
          const one = open(server.url, prefix);
          await one.start();
          await one.close();
        }
        await footprint.isBack();
      });

      it('on a caller’s own client leaves that as it was', async () => {
        const client = new Redis(server.url);
        try {
          await client.ping();
          const footprint = await Footprint.take(redis, client);
          for (let i = 0; i < TIMES; i++) {
            const one = open(client, prefix);
            await one.start();
            if (i % 2 === 0) await one.close();
            else await Promise.all([one.close(), one.close()]);
          }
          await footprint.isBack();
          assert.equal(client.status, 'ready');
        } finally {
          client.disconnect();
        }
      });

      it('closed while it starts leaves nothing behind', async () => {
        const footprint = await Footprint.take(redis);
        const starts: Promise<unknown>[] = [];
        for (let i = 0; i < TIMES; i++) {
          const one = open(server.url, prefix);
          const started = one.start().catch((error: unknown) => error);
          for (let turn = 0; turn < i % 25; turn++) await (turn % 2 === 0 ? tick() : redis.ping());
          await one.close();
          starts.push(started);
        }
        await footprint.isBack();
        await Promise.all(starts);
      });

      it('closed while there is no Redis leaves nothing behind', async () => {
        const footprint = await Footprint.take(redis);
        const silent = await listen();
        await Promise.all(
          Array.from({ length: TIMES }, async (_, i) => {
            const one = open(i % 2 === 0 ? NOWHERE : silent.url, prefix);
            const started = one.start().catch((error: unknown) => error);
            await wait(i * 12); // some have been told that it is not there, some have not
            await one.close();
            assert.instanceOf(await started, Error);
          }),
        );
        await silent.close();
        await footprint.isBack();
      });

      it('closed while its connections are cut leaves nothing behind', async () => {
        const footprint = await Footprint.take(redis);
        const starts: Promise<unknown>[] = [];
        let cutting = true;
        const cuts = (async () => {
          while (cutting) {
            await cut();
            await wait(3);
          }
        })();
        const live = async (i: number) => {
          const one = open(server.url, prefix);
          const started = one.start().catch((error: unknown) => error);
          if (i % 3 > 0) await wait(i * 4);
          await one.close();
          starts.push(started);
        };
        await Promise.all(Array.from({ length: TIMES }, (_, i) => live(i)));
        cutting = false;
        await cuts;
        await footprint.isBack();
        await Promise.all(starts);
      });

      it('closed soon after its connections were lost leaves nothing behind', async () => {
        const footprint = await Footprint.take(redis);
        for (let i = 0; i < 10; i++) {
          const one = open(server.url, `${prefix}${i}`);
          await one.start();
          await wait(20); // so that a worker waits for jobs
          await cut();
          await wait(i);
          await one.close();
        }
        await footprint.isBack();
      });
    });
  }

  for (const there of [true, false]) {
    it(`all of them let a process end by itself (${there ? 'with' : 'without'} Redis)`, async () => {
      const file = join(import.meta.dirname, '../faults/processes/whole-life.ts');
      const url = there ? server.url : NOWHERE;
      const program = start(['--import', 'tsx', file, JSON.stringify({ url, prefix, there })]);
      assert.equal(await program.line('closed'), 'closed');
      assert.deepEqual(await program.ended, { code: 0, signal: null });
      assert.deepEqual(program.stderr, []);
    });
  }
});

/** A server that says nothing. */
async function listen(): Promise<{ url: string; close(): Promise<unknown> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
