// Over TLS with certificates on both sides: every connection there is comes about, and one that must not says why, at once.
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import {
  RedisTokens,
  StoreUnavailableError,
  TokenProducer,
  TokenSubscriber,
  TokenWorker,
} from '../../src/index.js';
import { Migration } from '../../src/migration/migration.js';
import { overTls } from '../../src/redis/connection.js';
import { Sentinel } from '../../tools/redis-sentinel.js';
import { freePort, startRedisServer } from '../../tools/redis-server.js';
import { SecuredRedis } from '../support/certificates.js';
import { eventually, rejection } from '../support/eventually.js';
import { Opened } from '../support/opened.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann' };
const SCOPE = { app: 'shop', type: 'session' };

/** Far below the time-out of an operation, which is 5 s. */
const AT_ONCE = 2_500;

describe('Over TLS', () => {
  const opened = new Opened();
  const secured = new SecuredRedis();

  const to = ({ port }: { port: number }, tls: RedisOptions['tls'] = secured.certificates.of('client')) =>
    ({ host: '127.0.0.1', port, ...(tls && { tls }) }) satisfies RedisOptions;

  it('operations, a caller’s own commands, and a near cache work', async () => {
    const near = opened.add(new RedisTokens(to(secured.server), { cache: { ttl: 60_000 } }));
    const other = opened.add(new RedisTokens(to(secured.server)));
    const { token } = await other.create({ ...ANN, duration: 60 });
    await eventually('it is answered from the process', async () => {
      await near.get({ ...SCOPE, token });
      const before = await calls(other.client, 'get');
      await near.get({ ...SCOPE, token });
      return (await calls(other.client, 'get')) === before;
    });
    await other.delete({ ...SCOPE, token });
    await eventually('the invalidation is heard', async () => !(await near.get({ ...SCOPE, token })));
  });

  it('a command goes through the queue and comes back, and a subscriber hears of the revocation', async () => {
    const subscriber = opened.add(new TokenSubscriber(to(secured.server), SCOPE));
    const heard: (string | undefined)[] = [];
    subscriber.on('token-revoked', ({ subject }) => heard.push(subject));
    await subscriber.start();
    const worker = opened.add(new TokenWorker({ connection: to(secured.server) }));
    await worker.start();
    const producer = opened.add(new TokenProducer(to(secured.server)));
    const { token, id } = await producer.create({ ...ANN, duration: 60 });
    assert.isTrue(await producer.delete({ ...SCOPE, token }));
    await eventually('the revocation is heard', () => heard.includes(id));
  });

  it('a caller’s own client is used, and duplicated', async () => {
    const client = new Redis(to(secured.server));
    opened.later(client, () => client.disconnect());
    const tokens = opened.add(new RedisTokens(client));
    const worker = opened.add(new TokenWorker({ connection: client }));
    await worker.start();
    const producer = opened.add(new TokenProducer(client));
    const { token } = await producer.create({ ...ANN, duration: 60 });
    assert.isOk(await tokens.get({ ...SCOPE, token }));
  });

  it('old tokens are moved from one server to another', async () => {
    const old = await secured.certificates.startRedis();
    opened.later(old, () => old.stop());
    const client = new Redis(to(old));
    opened.later(client, () => client.disconnect());
    await client.set('app:shop|type:session|owner:bob|token:old', '{"cart":3}', 'EX', 60);
    const migration = opened.add(new Migration(to(old), to(secured.server), {}));
    assert.include(await migration.run(), { found: 1, moved: 1 });
  });

  it('a Cluster works', async () => {
    const bus = await freePort();
    const args = ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--tls-cluster', 'yes'];
    const node = await secured.certificates.startRedis('server', [
      ...args,
      '--cluster-announce-ip',
      '127.0.0.1',
    ]);
    opened.later(node, () => node.stop());
    const redis = new Redis(to(node));
    opened.later(redis, () => redis.disconnect());
    await redis.cluster('ADDSLOTSRANGE', 0, 16_383);
    await eventually('it is up', async () => /state:ok/.test(String(await redis.cluster('INFO'))));
    const cluster = new Cluster([to(node)], { redisOptions: { tls: secured.certificates.of('client') } });
    opened.later(cluster, () => cluster.disconnect());
    const subscriber = opened.add(new TokenSubscriber(cluster, SCOPE));
    const heard: unknown[] = [];
    subscriber.on('token-revoked', (event) => heard.push(event));
    await subscriber.start();
    const worker = opened.add(new TokenWorker({ connection: cluster }));
    await worker.start();
    const producer = opened.add(new TokenProducer(cluster));
    const { token } = await producer.create({ ...ANN, duration: 60 });
    const tokens = opened.add(new RedisTokens(cluster));
    assert.isTrue(await tokens.delete({ ...SCOPE, token }));
    await eventually('the revocation is heard', () => heard.length === 1);

    const wrong = { tls: secured.certificates.of('client', 'foreign-ca') };
    const misled = new Cluster([to(node, wrong.tls)], { redisOptions: wrong });
    misled.on('error', () => {});
    opened.later(misled, () => misled.disconnect());
    const error = await rejection(opened.add(new TokenSubscriber(misled)).start());
    assert.instanceOf(error, StoreUnavailableError);
    assert.match(error.message, /the certificate of Redis is not accepted: self-signed/);
  });

  it('a primary is found by Sentinels that speak it, too', async () => {
    const port = await freePort();
    const { rules } = secured.certificates;
    const watched = `sentinel monitor tokens 127.0.0.1 ${secured.server.port} 1`;
    const secure = ['port 0', `tls-port ${port}`, 'tls-replication yes', ...rules('server'), watched];
    const sentinel = await Sentinel.start(secure, () => {}, port);
    opened.later(sentinel, () => sentinel.stop());
    const url = `rediss-sentinel://127.0.0.1:${port}#tokens`;
    const tokens = opened.add(new RedisTokens(overTls(url, secured.certificates.of('client'))));
    const { token } = await tokens.create({ ...ANN, duration: 60 });
    assert.isTrue(await tokens.delete({ ...SCOPE, token }));
  });

  it('a connection that is ended in the midst of its handshake harms nobody, whatever Redis says then', async () => {
    const elsewhere = await secured.certificates.startRedis('elsewhere');
    opened.later(elsewhere, () => elsewhere.stop());
    for (let moment = 0; moment < 20; moment++) {
      const subscriber = new TokenSubscriber(to(elsewhere));
      const started = subscriber.start().catch(() => {});
      await wait(moment / 2); // a handshake takes some milliseconds
      await subscriber.close();
      await started;
    } // what an error does that nobody listens to, mocha tells
  });

  it('nothing goes without: the server has no other port, and closes on whoever speaks plainly', async () => {
    const answer = await new Promise((resolve) => {
      const socket = connect(secured.server.port, '127.0.0.1', () => socket.write('PING\r\n'));
      socket.on('data', (data) => resolve(String(data))).on('error', () => resolve('reset'));
      socket.on('close', () => resolve('closed'));
    });
    assert.notInclude(String(answer), 'PONG');
    const plain = opened.add(new RedisTokens(secured.server.url, { timeout: 500 }));
    assert.instanceOf(await rejection(plain.ready()), StoreUnavailableError);
  });

  describe('a connection is refused at once, with what is wrong,', () => {
    for (const [what, reason, tls, shows = 'server'] of [
      [
        'whose server is signed by nobody that is trusted',
        /not accepted: self-signed/,
        () => ({ ...secured.certificates.of('client'), ca: undefined }),
      ],
      [
        'whose server is signed by another authority',
        /not accepted: self-signed/,
        () => secured.certificates.of('client', 'foreign-ca'),
      ],
      [
        'whose server has another name',
        /not accepted: Hostname.*127\.0\.0\.1/,
        () => secured.certificates.of('client'),
        'elsewhere',
      ],
      [
        'whose server’s certificate has expired',
        /not accepted: certificate has expired/,
        () => secured.certificates.of('client'),
        'expired',
      ],
      [
        'that shows no certificate',
        /this client's certificate.* certificate required/,
        () => ({ ca: secured.certificates.of('client').ca }),
      ],
      [
        'that shows no certificate, by TLS 1.2',
        /this client's certificate.* handshake failure/,
        () => ({ ca: secured.certificates.of('client').ca, maxVersion: 'TLSv1.2' as const }),
      ],
      [
        'that shows a certificate of another authority',
        /this client's certificate.* unknown ca/,
        () => secured.certificates.of('foreign-client'),
      ],
      [
        'that shows an expired certificate',
        /this client's certificate.* expired/,
        () => secured.certificates.of('expired'),
      ],
    ] as const) {
      it(what, async () => {
        const asked = shows === 'server' ? secured.server : await secured.certificates.startRedis(shows);
        if (asked !== secured.server) opened.later(asked, () => asked.stop());
        const connection = to(asked, tls() as RedisOptions['tls']);
        for (const [name, use] of [
          ['RedisTokens', () => opened.add(new RedisTokens(connection)).deleteAll(ANN)],
          ['near cache', () => opened.add(new RedisTokens(connection, { cache: {} })).ready()],
          ['TokenProducer', () => opened.add(new TokenProducer(connection)).delete({ ...SCOPE, token: 'x' })],
          ['TokenSubscriber', () => opened.add(new TokenSubscriber(connection)).start()],
          ['TokenWorker', () => opened.add(new TokenWorker({ connection })).start()],
        ] as const) {
          const begun = performance.now();
          const error = await rejection<StoreUnavailableError>(use());
          assert.instanceOf(error, StoreUnavailableError, name);
          assert.equal(error.outcome, 'none', name);
          assert.match(error.message, reason, name);
          assert.isBelow(performance.now() - begun, AT_ONCE, name);
          assert.notInclude(JSON.stringify(error) + error.stack, 'PRIVATE KEY', name);
        }
      });
    }

    it('whose server does not speak TLS', async () => {
      const plain = await startRedisServer({ log: () => {} });
      opened.later(plain, () => plain.stop());
      const tokens = opened.add(new RedisTokens(to(plain), { timeout: 1_000 }));
      const error = await rejection(tokens.ready());
      assert.instanceOf(error, StoreUnavailableError);
      assert.match(error.message, /no answer to the TLS handshake/);
    });
  });
});

/** How often the server was asked so. */
async function calls(client: Redis, command: string): Promise<number> {
  const stats = await client.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}
