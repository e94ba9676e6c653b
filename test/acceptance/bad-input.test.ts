// Wrong input is refused at both doors with every wrong field named, before anything is sent, stored or enqueued.
import { inspect } from 'node:util';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import sinon from 'sinon';
import { RedisTokens, type TokenOperations, TokenProducer, ValidationError } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { rejection } from './deployment.js';

/** Everything wrong at once: what is refused, and the fields that the refusal names. */
const WRONG: [operation: keyof TokenOperations, input: unknown, fields: string[]][] = [
  [
    'create',
    { app: '', type: 7, owner: null, data: [], duration: -1, customToken: '' },
    ['app', 'type', 'owner', 'data', 'duration', 'customToken'],
  ],
  [
    'create',
    {
      app: 'a'.repeat(257),
      type: 'nul\0',
      owner: '\ud800',
      data: { at: new Date() },
      duration: Number.NaN,
      customToken: 'rt_short',
    },
    ['app', 'type', 'owner', 'data', 'duration', 'customToken'],
  ],
  [
    'create',
    { app: {}, type: [], owner: true, data: 'text', duration: '60', customToken: 'x'.repeat(1_025) },
    ['app', 'type', 'owner', 'data', 'duration', 'customToken'],
  ],
  [
    'create',
    {
      ...{ app: 'a', type: 'b', owner: 'c', duration: 1, idle: -1, label: '', hint: 1 },
      limit: { max: 0 },
    },
    ['idle', 'label', 'hint', 'limit'],
  ],
  [
    'create',
    {
      ...{ app: 'a', type: 'b', owner: 'c', duration: 1, idle: 1e12, customToken: 'short', hint: true },
      limit: { max: 5, overflow: 'end' },
    },
    ['idle', 'hint', 'limit'],
  ],
  ['create', {}, ['app', 'type', 'owner', 'duration']],
  ['create', undefined, ['app', 'type', 'owner', 'duration']],
  ['create', 'text', ['app', 'type', 'owner', 'duration']],
  ['get', { app: 1, type: '', token: 2 }, ['app', 'type', 'token']],
  ['get', null, ['app', 'type', 'token']],
  ['get', { app: 'a', type: 'b', token: 'c', touch: 'no' }, ['touch']],
  ['update', { app: 'a', type: 'b', token: 'c', data: {}, ifVersion: '1' }, ['ifVersion']],
  ['count', { app: 1, type: '', owner: '' }, ['app', 'type', 'owner']],
  ['count', undefined, ['app', 'type']],
  ['owners', { app: 1, type: '', limit: 1_001, cursor: 'next' }, ['app', 'type', 'limit', 'cursor']],
  ['update', { app: 1, type: '', token: ['x'], data: new Map() }, ['app', 'type', 'token', 'data']],
  ['update', {}, ['app', 'type', 'token', 'data']],
  [
    'refresh',
    { app: 1, type: '', token: {}, duration: 315_360_000_000 },
    ['app', 'type', 'token', 'duration'],
  ],
  ['refresh', {}, ['app', 'type', 'token', 'duration']],
  [
    'rotate',
    { app: 1, type: '', token: {}, duration: 0, grace: 301 },
    ['app', 'type', 'token', 'duration', 'grace'],
  ],
  ['rotate', {}, ['app', 'type', 'token']],
  ['delete', { app: 1, type: '', token: null }, ['app', 'type', 'token']],
  ['delete', [], ['app', 'type', 'token']],
  ['deleteAll', { app: 1, type: '', owner: '' }, ['app', 'type', 'owner']],
  ['deleteAll', 0, ['app', 'type', 'owner']],
  [
    'deleteAll',
    { app: 'a', type: 'b', owner: 'c', except: 7, reason: '', by: 'me' },
    ['except', 'reason', 'by'],
  ],
  ['consume', { app: 1, type: '', token: null, reason: 1, by: 1 }, ['app', 'type', 'token', 'reason', 'by']],
  ['getById', { app: 1, type: '', id: 'x', owner: '' }, ['app', 'type', 'id', 'owner']],
  ['deleteById', { app: 1, type: '', owner: 1 }, ['app', 'type', 'id', 'owner']],
  // Another page than what would be answered.
  ['list', { app: 'a', type: 'b', owner: 'c', cursor: 'd' }, ['cursor']],
  ['owners', { app: 'a', type: 'b', after: { id: 'x' } }, ['after']],
  // Narrower than what would be done.
  ['deleteScope', { app: 'a', type: 'b', owner: 'c', token: 'd' }, ['owner', 'token']],
  ['deleteScope', { app: 'a' }, ['type']],
  ['deleteApp', { app: 'a', type: 'b', owner: 'c' }, ['type', 'owner']],
  ['deleteApp', {}, ['app']],
  [
    'list',
    { app: 1, type: '', owner: '', limit: 0, after: { id: 'x', expiresAt: 1 } },
    ['app', 'type', 'owner', 'limit', 'after'],
  ],
  [
    'list',
    { app: 1, type: '', owner: '', limit: 1.5, after: 'x' },
    ['app', 'type', 'owner', 'limit', 'after'],
  ],
];

describe('Wrong input', () => {
  let server: RedisServer;
  let redis: Redis;

  before(async () => {
    server = await startRedisServer();
    redis = new Redis(server.url);
  });

  after(async () => {
    await redis?.quit();
    await server?.stop();
  });

  afterEach(() => sinon.restore());

  /** The doors, and the commands that they sent. */
  const doors: [name: string, open: () => { door: TokenOperations; opened: Redis[] }][] = [
    [
      'RedisTokens',
      () => {
        const client = redis.duplicate({ lazyConnect: true });
        return { door: new RedisTokens(client, { prefix: 'wrong' }), opened: [client] };
      },
    ],
    ['TokenProducer', () => ({ door: new TokenProducer(server.url, { prefix: 'wrong' }), opened: [] })],
  ];

  for (const [name, open] of doors) {
    it(`is refused by ${name} field by field, and without I/O`, async () => {
      const sent = sinon.spy(Redis.prototype, 'sendCommand');
      const connected = sinon.spy(Redis.prototype, 'connect');
      const { door, opened } = open();
      const connections = connected.callCount;
      try {
        for (const [operation, input, fields] of WRONG) {
          const call = door[operation] as (input: unknown) => Promise<unknown>;
          const error = await rejection(() => call.call(door, input));
          const shown = `${operation} ${inspect(input).slice(0, 200)}`;
          assert.instanceOf(error, ValidationError, shown);
          assert.sameMembers(
            error instanceof ValidationError ? error.fields.map(({ field }) => field) : [],
            fields,
            shown,
          );
          for (const field of fields) assert.include(error.message, field);
        }
        if (door instanceof TokenProducer) {
          for (const [operation, input, fields] of WRONG) {
            const error = await rejection(() => door.enqueue(operation as 'create', input as never));
            assert.instanceOf(error, ValidationError, operation);
            assert.sameMembers(
              (error as ValidationError).fields.map(({ field }) => field),
              fields,
            );
          }
          const commandId = 'log-in-1';
          const error = await rejection(() => door.create({} as never, { commandId }));
          assert.includeMembers(
            (error as ValidationError).fields.map(({ field }) => field),
            ['app', 'type', 'owner', 'duration', 'customToken'],
          );
          for (const wrong of ['', 'a b', 'a:b', 'x'.repeat(129), 7]) {
            assert.instanceOf(
              await rejection(() =>
                door.get({ app: 'a', type: 'b', token: 'c' }, { commandId: wrong } as never),
              ),
              Error,
            );
          }
        }
        assert.throws(
          () => door.idOf({} as never),
          ValidationError,
          /token is missing; app is missing; type is missing/,
        );
        assert.equal(sent.callCount, 0, 'commands that were sent');
        assert.equal(connected.callCount, connections, 'connections that were opened');
        assert.equal(await redis.dbsize(), 0);
      } finally {
        await door.close();
        for (const client of opened) client.disconnect();
      }
    });
  }

  it('in the data is named with its path', async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = { again: cyclic };
    class Cart {}
    const wrong: [path: string, data: object][] = [
      ['data.a.b[1].c', { a: { b: [0, { c: new Date(0) }] } }],
      ['data.map', { map: new Map() }],
      ['data.set', { set: new Set() }],
      ['data.cart', { cart: new Cart() }],
      ['data.f', { f: () => 1 }],
      ['data.big', { big: 1n }],
      ['data.nan', { nan: Number.NaN }],
      ['data.infinity', { infinity: Number.NEGATIVE_INFINITY }],
      ['data.list[0]', { list: [undefined] }],
      ['data.buffer', { buffer: Buffer.from('x') }],
      ['data.boxed', { boxed: Object('x') }],
      ['data.self.again', cyclic],
    ];
    const tokens = new RedisTokens(server.url);
    const producer = new TokenProducer(server.url);
    try {
      for (const door of [tokens, producer]) {
        for (const [path, data] of wrong) {
          const scope = { app: 'a', type: 'b' };
          for (const call of [
            () => door.create({ ...scope, owner: 'c', duration: 1, data }),
            () => door.update({ ...scope, token: 'd', data }),
          ]) {
            const error = await rejection(call);
            assert.instanceOf(error, ValidationError, path);
            assert.include(error.message, path);
          }
        }
      }
      assert.equal(await redis.dbsize(), 0);
    } finally {
      await tokens.close();
      await producer.close();
    }
  });
});
