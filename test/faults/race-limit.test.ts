// Creates under a limit, whose jobs arrive in any order and more than once, against each other and against a log-out.
import { assert } from 'chai';
import { generateToken, type TokenEvent } from '../../src/index.js';
import type { WireCommand } from '../../src/queue/wire.js';
import { ownerShard, shardOf } from '../../src/tokens/identity.js';
import { SCOPE } from '../queue/stage.js';
import { ORDERS, Race } from './race.js';

const OWNERS = 60; // in each of four orders
const CREATES = 9;
const SHARDS = 4; // those of the race

interface Owner {
  name: string;
  max: number;
  overflow: 'reject' | 'end-oldest';
  logsOut: boolean;
}

describe('Over the queue', function () {
  this.timeout(60_000);
  const race = new Race();
  const { chance } = race;

  for (const order of ORDERS) {
    it(`no owner ever has more tokens than the limit (${order})`, async () => {
      const owners = Array.from({ length: OWNERS }, (_, i): Owner => {
        const overflow = chance.pick(['reject', 'end-oldest'] as const);
        return { name: `owner-${i}`, max: chance.int(1, 4), overflow, logsOut: chance.is(0.3) };
      });
      const [seconds, micros] = await race.stage.redis.time();
      const now = Number(seconds) * 1_000_000 + Number(micros);
      const commands: WireCommand[] = [];
      const send = (op: 'create' | 'deleteAll', issuedAt: number, fields: object) =>
        commands.push({ commandId: `${op}-${commands.length}`, op, issuedAt, ...SCOPE, ...fields });
      for (const { name, max, overflow, logsOut } of owners) {
        for (let i = 0; i < CREATES; i++) {
          const fields = { id: idOf(name), owner: name, data: { i }, duration: 3_600, custom: false };
          send('create', now - chance.int(0, 5_000), { ...fields, limit: { max, overflow } });
        }
        if (logsOut) send('deleteAll', now - 2_500, { owner: name });
      }

      await race.deliver(chance.shuffled(commands), order);

      const results = await race.results(commands);
      const events = await told();
      for (const { name, max, overflow, logsOut } of owners) {
        const living = new Set<string>();
        for (const { type, subject, data } of events) {
          if (data.owner !== name) continue;
          if (type === 'token-created') living.add(subject);
          else assert.isTrue(living.delete(subject), 'what ends had lived');
          assert.isAtMost(living.size, max, name);
          if (data.reason === 'limit') race.count('ended by the limit');
        }
        const stored = (await race.tokens.list({ ...SCOPE, owner: name })).map(({ id }) => id);
        assert.sameMembers(stored, [...living]);
        const codes = results
          .filter((_, i) => commands[i]?.op === 'create' && commands[i]?.owner === name)
          .map(({ error, status }) => error?.code ?? status);
        for (const code of codes) race.count(code);
        if (logsOut) continue;
        assert.lengthOf(stored, max);
        const refused = codes.filter((code) => code === 'LIMIT_EXCEEDED').length;
        assert.equal(refused, overflow === 'reject' ? CREATES - max : 0);
      }
      for (const what of ['completed', 'LIMIT_EXCEEDED', 'ended by the limit', 'fails after', 'runs twice'])
        assert.isAtLeast(race.happened.get(what) ?? 0, 10, what);
    });
  }

  /** Of a generated token, which lies where its owner's others do. */
  function idOf(owner: string): string {
    const home = ownerShard(SCOPE.app, SCOPE.type, owner, SHARDS);
    for (;;) {
      const id = race.tokens.idOf({ ...SCOPE, token: generateToken() });
      if (shardOf(id, SHARDS) === home) return id;
    }
  }

  async function told(): Promise<TokenEvent[]> {
    const { redis, prefix } = race.stage;
    const events: TokenEvent[] = [];
    for (let shard = 0; shard < SHARDS; shard++) {
      const entries = await redis.xrange(`{${prefix}:${shard}}:log`, '-', '+');
      events.push(...entries.map(([, [, event]]) => JSON.parse(event as string) as TokenEvent));
    }
    return events;
  }
});
