// What was created after a revocation was issued lives, though the revocation runs late, twice, or is retried.
import { assert } from 'chai';
import { generateToken } from '../../src/index.js';
import type { WireCommand } from '../../src/queue/wire.js';
import { SCOPE } from '../queue/stage.js';
import { ORDERS, Race } from './race.js';

const ROUNDS = 300; // in each of four orders: more than a thousand for each revocation
const SECOND = 1_000_000;
const CLOCKS = { right: 0, slow: -90 * SECOND, slowest: -600 * SECOND, ahead: 4 * SECOND };

describe('Over the queue', function () {
  this.timeout(60_000);
  const race = new Race();
  const { chance } = race;

  for (const revocation of ['delete', 'deleteAll'] as const) {
    for (const order of ORDERS) {
      it(`a token lives that was created after a ${revocation} was issued (${order})`, async () => {
        const tokens: string[] = [];
        const commands: WireCommand[] = [];
        const [seconds, micros] = await race.stage.redis.time();
        const now = Number(seconds) * SECOND + Number(micros);
        const send = (op: WireCommand['op'], issuedAt: number, fields: object) =>
          commands.push({ commandId: `${op}-${commands.length}`, op, issuedAt, ...SCOPE, ...fields });
        // What a sender ahead of time creates counts as created now. Overtaken by it, a revocation would seem younger.
        const clocks = Object.values(CLOCKS).filter((off) => order === 'revocations first' || off <= 0);

        for (let round = 0; round < ROUNDS; round++) {
          const owner = `owner-${round}`;
          const off = chance.pick(clocks);
          const revokedAt = now + off + chance.int(-1_000, 0);
          // By the same sender, or by another whose clock is right.
          const issuedAt = off < 0 && chance.is(0.3) ? now : revokedAt + chance.pick([1, 1_000, 500_000]);
          // A generated token that somebody has deleted is never made again.
          const custom = revocation === 'delete' || chance.is(0.5);
          const token = custom ? `code-${round}` : generateToken();
          const id = race.tokens.idOf({ ...SCOPE, token });
          tokens.push(token);
          send(revocation, revokedAt, revocation === 'delete' ? { id } : { owner });
          send('create', issuedAt, { id, owner, data: { round }, duration: 3_600, custom });
          race.count(`${custom ? 'custom' : 'generated'}, ${off}`);
        }

        await race.deliver(chance.shuffled(commands), order);

        const results = await race.results(commands);
        for (const [i, { op, status, value }] of results.entries()) {
          assert.equal(status, 'completed', JSON.stringify(commands[i]));
          if (op !== 'create') assert.equal(Number(value), 0, 'it ended a younger token');
        }
        const found = await Promise.all(tokens.map((token) => race.tokens.get({ ...SCOPE, token })));
        assert.deepEqual(
          found.map((token) => token?.data.round),
          tokens.map((_, round) => round),
        );
        for (const off of clocks) assert.isAtLeast(race.happened.get(`custom, ${off}`) ?? 0, 10);
      });
    }
  }
});
