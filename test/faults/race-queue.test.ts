// A create and a revocation that was issued after it, over the queue: however they arrive, the token is dead.
import { assert } from 'chai';
import { generateToken } from '../../src/index.js';
import type { WireCommand } from '../../src/queue/wire.js';
import { SCOPE } from '../queue/stage.js';
import { ORDERS, Race } from './race.js';

const ROUNDS = 300; // in each of four orders: more than a thousand for each revocation
const SECOND = 1_000_000;

/** How far a sender's clock is off, in microseconds. A create that is too far ahead is refused. */
const CLOCKS = {
  right: 0,
  slow: -90 * SECOND,
  slowest: -600 * SECOND,
  ahead: 4 * SECOND,
  wrong: 60 * SECOND,
};
type Clock = keyof typeof CLOCKS;

describe('Over the queue', function () {
  this.timeout(60_000);
  const race = new Race();
  const { chance } = race;

  for (const revocation of ['delete', 'deleteAll'] as const) {
    for (const order of ORDERS) {
      it(`a token is dead whose ${revocation} was issued after its create (${order})`, async () => {
        const [tokens, kept]: [string[], string[]] = [[], []];
        const commands: WireCommand[] = [];
        const now = await serverMicros();
        const send = (op: 'create' | 'delete' | 'deleteAll', issuedAt: number, fields: object) =>
          commands.push({ commandId: `${op}-${commands.length}`, op, issuedAt, ...SCOPE, ...fields });

        for (let round = 0; round < ROUNDS; round++) {
          const owner = `owner-${round}`;
          const clock = chance.pick(Object.keys(CLOCKS) as Clock[]);
          const issuedAt = now + CLOCKS[clock] + chance.int(-1_000, 0);
          const revokedAt = issuedAt + chance.pick([0, 1, 1_000, 500_000]);
          // Another sender's clock may be less slow.
          const byOther = CLOCKS[clock] < 0 && chance.is(0.3);
          for (let i = chance.int(1, revocation === 'delete' ? 1 : 3); i > 0; i--) {
            const custom = chance.is(0.5);
            const token = custom ? `code-${round}-${i}` : generateToken();
            const id = race.tokens.idOf({ ...SCOPE, token });
            tokens.push(token);
            race.count(`${custom ? 'custom' : 'generated'}, ${clock}`);
            send('create', issuedAt, { id, owner, data: { round }, duration: 3_600, custom });
            if (revocation === 'delete') send('delete', byOther ? now : revokedAt, { id });
          }
          if (revocation === 'deleteAll') send('deleteAll', byOther ? now : revokedAt, { owner });
          if (round % 10 > 0) continue;
          // Nobody revokes this one.
          kept.push(generateToken());
          const id = race.tokens.idOf({ ...SCOPE, token: kept.at(-1) as string });
          send('create', now, { id, owner: `${owner}-kept`, data: {}, duration: 3_600, custom: false });
        }

        await race.deliver(chance.shuffled(commands), order);

        const results = await race.results(commands);
        for (const [i, { status, error }] of results.entries()) {
          const { op, issuedAt } = commands[i] as WireCommand;
          race.count(`${op} ${error?.code ?? status}`);
          if (op !== 'create') assert.equal(status, 'completed');
          else if (issuedAt > now + 10 * SECOND) assert.equal(error?.code, 'VALIDATION');
        }
        const get = (token: string) => race.tokens.get({ ...SCOPE, token });
        const alive = (await Promise.all(tokens.map(get))).filter((token) => token !== undefined);
        assert.deepEqual(alive, []);
        const stays = await Promise.all(kept.map(get));
        const ids = stays.map((token) => token?.id as string).sort();
        const { records, ofOwners, ofScopes } = await race.stored();
        for (const stored of [records, ofOwners, ofScopes]) assert.deepEqual(stored.sort(), ids);

        const expected = ['create completed', 'create VALIDATION', `${revocation} completed`];
        if (order === 'revocations first' || order === 'commands held') expected.push('create TOKEN_REVOKED');
        if (order.endsWith('held')) expected.push('held');
        for (const clock of Object.keys(CLOCKS)) expected.push(`custom, ${clock}`, `generated, ${clock}`);
        for (const what of [...expected, 'fails before', 'fails after', 'runs twice', 'none']) {
          assert.isAtLeast(race.happened.get(what) ?? 0, 10, what);
        }
      });
    }
  }

  async function serverMicros(): Promise<number> {
    const [seconds, micros] = await race.stage.redis.time();
    return Number(seconds) * SECOND + Number(micros);
  }
});
