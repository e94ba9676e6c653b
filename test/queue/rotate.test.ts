// Rotations as commands: who is told the successor's secret, and how often.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import {
  CommandConflictError,
  RedisTokens,
  type Token,
  type TokenEvent,
  TokenProducer,
} from '../../src/index.js';
import type { JobData } from '../../src/queue/wire.js';
import { newNonce, successorOf } from '../../src/tokens/secret.js';
import { rejection } from '../support/eventually.js';
import { Way } from '../support/way.js';
import { SCOPE, Stage, stamp } from './stage.js';

describe('A rotation over the queue', () => {
  const stage = new Stage();
  let tokens: RedisTokens;
  let made: Token;

  beforeEach(async () => {
    tokens = stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix }));
    made = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, data: { a: 1 } });
    await stage.startWorker();
  });

  it('whose commandId comes again gives the same secret to whoever has the token, in another process too', async () => {
    const [one, other] = [stage.producer(), stage.producer()];
    const input = { ...SCOPE, token: made.token };
    const first = await one.rotate(input, { commandId: 'rotate-1' });
    assert.deepEqual(await one.rotate(input, { commandId: 'rotate-1' }), first);
    assert.deepEqual(await other.rotate(input, { commandId: 'rotate-1' }), first);
    assert.deepEqual(await tokens.get({ ...SCOPE, token: first?.token as string }), first);
    for (const wrong of [{ grace: 5 }, { duration: 5 }, { type: 'reset' }]) {
      const again = () => other.rotate({ ...input, ...wrong }, { commandId: 'rotate-1' });
      assert.instanceOf(await rejection(again()), CommandConflictError);
    }
  });

  it('that was enqueued has the record as its result, and nothing that a secret follows from', async () => {
    const producer = stage.producer();
    const receipt = await producer.enqueue('rotate', { ...SCOPE, token: made.token });
    assert.deepEqual(Object.keys(receipt).sort(), ['commandId', 'id', 'jobId', 'operation']);
    const copy = JSON.parse(JSON.stringify(receipt)) as typeof receipt;
    const record = await stage.producer().result(copy);
    assert.doesNotHaveAnyKeys(record, ['nonce', 'token']);
    assert.equal(record?.version, 2);
    assert.deepEqual([await tokens.list({ ...SCOPE, owner: 'ann' })], [[record]]);
  });

  it('that is enqueued for what is never rotated finds nothing, and harms nothing', async () => {
    const producer = stage.producer();
    const customToken = 'a voucher that can be guessed';
    const custom = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, customToken });
    for (const input of [{ token: customToken }, { token: made.token, tokenPrefix: 'api_' }]) {
      const receipt = await producer.enqueue('rotate', { ...SCOPE, ...input });
      assert.isUndefined(await producer.result(receipt));
      assert.isUndefined(await producer.rotate({ ...SCOPE, ...input }));
    }
    assert.deepEqual(await tokens.get({ ...SCOPE, token: customToken }), custom);
    assert.deepEqual(await tokens.get({ ...SCOPE, token: made.token }), made);
  });

  it('that waited for its connection is no reuse where it was asked for before another', async () => {
    const way = stage.opened.add(await Way.open(stage.url));
    way.holdWhere(''); // all of them
    const late = stage.opened.add(new TokenProducer(way.url, { prefix: stage.prefix }));
    const waiting = late.rotate({ ...SCOPE, token: made.token });
    const second = (await tokens.rotate({ ...SCOPE, token: made.token })) as Token;
    await wait(1_200);
    way.release();
    assert.isUndefined(await waiting);
    assert.deepEqual(await tokens.get({ ...SCOPE, token: second.token }), second);
  });

  it('whose token is read again is told with the command that read it', async () => {
    const producer = stage.producer();
    await producer.rotate({ ...SCOPE, token: made.token });
    await wait(10);
    assert.isUndefined(await producer.get({ ...SCOPE, token: made.token }, { commandId: 'read-1' }));
    const log = await stage.redis.xrevrange(`{${stage.prefix}:0}:log`, '+', '-', 'COUNT', 2);
    const told = log.map(([, [, event]]) => JSON.parse(event as string) as TokenEvent);
    assert.deepEqual(
      told.map(({ type, data }) => [type, data.commandId] as unknown),
      [
        ['token-reused', 'read-1'],
        ['token-revoked', 'read-1'],
      ],
    );
  });

  it('through a scope takes the duration of the call, and not that of the scope', async () => {
    for (const door of [tokens, stage.producer()]) {
      const sessions = door.scope({ ...SCOPE, duration: 9_000 });
      const { token, expiresAt } = await sessions.create({ owner: 'ann', duration: 60 });
      const kept = await sessions.rotate({ token });
      assert.equal(kept?.expiresAt, expiresAt);
      const set = await sessions.rotate({ token: kept?.token as string, duration: 600 });
      assert.approximately((set?.expiresAt ?? 0) - (set?.createdAt ?? 0), 600_000, 1_000);
    }
    const enqueued = stage.producer().scope({ ...SCOPE, duration: 9_000 });
    const receipt = await enqueued.enqueue('rotate', { token: made.token });
    assert.equal((await enqueued.result(receipt))?.expiresAt, made.expiresAt);
  });

  it('comes before what stands behind it in its batch, also where that is for the successor', async () => {
    for (let round = 0; round < 20; round++) {
      const { id, token } = await tokens.create({ ...SCOPE, owner: 'bob', duration: 60 });
      const nonce = newNonce();
      const successor = tokens.idOf({ ...SCOPE, token: successorOf(token, nonce, 'rt_') });
      const issuedAt = stamp();
      const commands = [
        { op: 'update', id, data: { before: true } },
        { op: 'rotate', id, successor, nonce },
        { op: 'get', id: successor },
        { op: 'update', id: successor, data: { after: true } },
      ].map((command, i) => ({ commandId: `c${i}`, issuedAt, ...SCOPE, ...command }));
      const data: JobData = { v: 1, replyTo: null, commands: commands as JobData['commands'] };
      const results = await stage.run('commands', data, `batch-${round}`);
      assert.deepInclude(results[2]?.value, { id: successor, version: 3 });
      assert.deepInclude(results[3]?.value, {
        id: successor,
        version: 4,
        data: { before: true, after: true },
      });
    }
  });
});
