// A revocation as CAEP's session-revoked.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from 'chai';
import { type TokenEvent, toSecurityEvent, ValidationError } from '../../src/index.js';
import { MemoryTokens } from '../../src/memory/index.js';

const golden = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../acceptance/golden', name), 'utf8'));

const EVENT = {
  specversion: '1.0',
  id: '0-1795461186509-0',
  source: 'redis-tokens',
  type: 'token-revoked',
  subject: 'W7bAgPkaz4w4pI0bKch4ja',
  time: '2026-11-23T19:13:06.999Z',
  data: {
    app: 'shop',
    type: 'session',
    owner: 'ann',
    version: 3,
    reason: 'device reported stolen',
    by: 'admin',
  },
} as const satisfies TokenEvent<'token-revoked'>;

describe('A revocation', () => {
  it('is mapped to the claims of session-revoked', () => {
    assert.deepEqual(toSecurityEvent(EVENT), golden('session-revoked.json'));
  });

  it('that tells no revoker is the system’s, with its default reason', async () => {
    const tokens = new MemoryTokens();
    const made = await tokens.create({ app: 'shop', type: 'session', owner: 'ann', duration: 60 });
    await tokens.deleteScope({ app: 'shop', type: 'session' });
    const event = tokens.events.at(-1) as TokenEvent<'token-revoked'>;
    assert.equal(event.subject, made.id);
    assert.deepEqual(toSecurityEvent(event), {
      event_timestamp: Math.floor(Date.parse(event.time) / 1_000),
      initiating_entity: 'system',
      reason_admin: { en: 'deleted-scope' },
    });
    await tokens.close();
  });

  it('is what nothing else is taken for', () => {
    const wrong = [
      undefined,
      null,
      {},
      'token-revoked',
      { ...EVENT, type: 'token-expired' },
      { ...EVENT, time: 'yesterday' },
      { ...EVENT, data: { ...EVENT.data, by: 'root' } },
      { ...EVENT, data: { ...EVENT.data, reason: '' } },
    ];
    for (const event of wrong) assert.throws(() => toSecurityEvent(event as never), ValidationError);
    // @ts-expect-error: an event of another type is a type error, too
    assert.throws(() => toSecurityEvent({} as TokenEvent<'token-created'>), ValidationError);
  });
});
