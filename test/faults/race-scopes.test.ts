// Creates and changes against what ends a token by its id, a scope or an app: however they arrive, the token is dead.
import { assert } from 'chai';
import { generateToken } from '../../src/index.js';
import type { WireCommand } from '../../src/queue/wire.js';
import { ORDERS, Race } from './race.js';

const ROUNDS = 150; // in each of four orders

describe('Over the queue', function () {
  this.timeout(60_000);
  const race = new Race();
  const { chance } = race;

  for (const revocation of ['deleteById', 'deleteScope', 'deleteApp'] as const) {
    for (const order of ORDERS) {
      it(`no create, update or refresh outlives a ${revocation} that was issued after it (${order})`, async () => {
        const commands: WireCommand[] = [];
        const [dead, kept]: [object[], object[]] = [[], []];
        const [seconds, micros] = await race.stage.redis.time();
        const now = Number(seconds) * 1_000_000 + Number(micros);
        const send = (op: WireCommand['op'], issuedAt: number, fields: object) =>
          commands.push({ commandId: `${op}-${commands.length}`, op, issuedAt, ...fields });
        for (let round = 0; round < ROUNDS; round++) {
          const scope = { app: `app ${round}`, type: 'session' };
          const owner = `owner-${round}`;
          const revokedAt = now + chance.pick([0, 1, 1_000]);
          for (let i = 0; i < 2; i++) {
            const custom = chance.is(0.5);
            const token = custom ? `code-${round}-${i}` : generateToken();
            const type = revocation === 'deleteApp' && i === 1 ? 'reset' : scope.type;
            const place = { app: scope.app, type };
            const id = race.tokens.idOf({ ...place, token });
            dead.push({ ...place, token });
            send('create', now, { ...place, id, owner, data: {}, duration: 3_600, custom });
            send('update', revokedAt, { ...place, id, data: { a: 1 } });
            if (revocation === 'deleteById') send('deleteById', revokedAt, { ...place, id, owner });
          }
          if (revocation === 'deleteScope') send('deleteScope', revokedAt, scope);
          if (revocation === 'deleteApp') send('deleteApp', revokedAt, { app: scope.app });
          // Of another owner, of another app, or made later: nobody revokes these.
          const token = generateToken();
          const place = revocation === 'deleteById' ? scope : { ...scope, app: `${scope.app}:` };
          const id = race.tokens.idOf({ ...place, token });
          kept.push({ ...place, token });
          send('create', now, { ...place, id, owner: 'eve', data: {}, duration: 3_600, custom: false });
          if (revocation === 'deleteById') send('deleteById', revokedAt, { ...place, id, owner });
        }

        await race.deliver(chance.shuffled(commands), order);

        for (const [i, { status, error }] of (await race.results(commands)).entries()) {
          const { op } = commands[i] as WireCommand;
          race.count(`${op} ${error?.code ?? status}`);
          if (op !== 'create') assert.equal(status, 'completed');
        }
        const get = (presented: object) => race.tokens.get(presented as never);
        assert.deepEqual((await Promise.all(dead.map(get))).filter(Boolean), []);
        assert.lengthOf((await Promise.all(kept.map(get))).filter(Boolean), ROUNDS);
        const { records, ofOwners, ofScopes } = await race.stored();
        for (const stored of [records, ofOwners, ofScopes]) assert.lengthOf(stored, ROUNDS);
        const early = order === 'commands first' || order === 'revocations held';
        if (!early) assert.isAtLeast(race.happened.get('create TOKEN_REVOKED') ?? 0, ROUNDS / 2);
      });
    }
  }

  it('of many that consume a token one gets it, and gets it again where its job runs again', async () => {
    const made = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        race.tokens.create({ app: 'shop', type: 'reset', owner: `o${i}`, duration: 600, data: { i } }),
      ),
    );
    const latest = Math.max(...made.map(({ createdAt }) => createdAt)) * 1_000 + 2_000;
    const commands = made.flatMap(({ id }) =>
      Array.from({ length: 10 }, (_, i) => ({
        ...{ commandId: `${id}-${i}`, op: 'consume' as const, issuedAt: latest },
        ...{ app: 'shop', type: 'reset', id },
      })),
    );
    await race.deliver(chance.shuffled(commands), 'commands first');
    const results = await race.results(commands);
    for (const { token, ...record } of made) {
      const got = results.filter(({ commandId, value }) => commandId.startsWith(record.id) && value);
      assert.deepEqual(
        got.map(({ value }) => value),
        [record],
      );
      assert.isUndefined(await race.tokens.get({ app: 'shop', type: 'reset', token }));
    }
    assert.deepEqual(await race.stored(), { records: [], ofOwners: [], ofScopes: [] });
  });
});
