// Contract: names are text, whatever is in them: no two scopes and no two owners ever meet.
import { assert } from 'chai';
import { newId, SECOND, type World } from './world.js';

/** App, type and owner of each, chosen to meet where names are joined, cut or matched carelessly. */
const NAMES = [
  ['a:b', 'c', 'bob'],
  ['a', 'b:c', 'bob'],
  ['a', 'b', 'c:bob'],
  ['a', 'b', 'bob'],
  ['a', 'b', 'bobby'],
  ['a', 'b', 'Bob'],
  ['a', 'b', 'bob '],
  ['a', 'b', '*'],
  ['*', '*', '*'],
  ['a', '*', 'bob'],
  ['%', '%2A', '%25'],
  ['%25', '*', '%'],
  ['{}', '{rt:0}', '}'],
  ['a\nb', 'c\r\n', '\t'],
  ['🙂', '👩‍👩‍👧', '𝒳'],
  ['é', 'e\u0301', 'ü'],
  ['"', '\\', '\\"'],
  ['[1', ',"b"]', ','],
  ['__proto__', 'constructor', 'toString'],
  ['a b', "c'd", 'e(f)!~'],
  ['\u2028', '\u007f', '\u0001'],
  ['x'.repeat(256), '🙂'.repeat(256), 'y'.repeat(256)],
] as const;

export function scopeContract(world: World): void {
  describe('names', () => {
    it('of any kind keep their tokens apart', async () => {
      const ids = NAMES.map(() => newId());
      for (const [i, [app, type, owner]] of NAMES.entries()) {
        await world.create({ id: ids[i], app, type, owner, data: { i } });
      }
      for (const [i, [app, type, owner]] of NAMES.entries()) {
        const listed = await world.list(owner, { app, type });
        assert.deepEqual(
          listed.map(({ app, type, owner, data }) => [app, type, owner, data]),
          [[app, type, owner, { i }]],
        );
        for (const [j, id] of ids.entries()) {
          const found = await world.get(id, { app, type });
          const own = NAMES[j]?.[0] === app && NAMES[j]?.[1] === type;
          assert.equal(found?.owner, own ? NAMES[j]?.[2] : undefined);
        }
      }
    });

    it('of any kind survive every change', async () => {
      for (const [app, type, owner] of NAMES) {
        const created = await world.create({ app, type, owner });
        await world.update(created.id, { a: 1 }, { app, type });
        const refreshed = await world.refresh(created.id, 600, { app, type });
        assert.deepEqual([refreshed?.app, refreshed?.type, refreshed?.owner], [app, type, owner]);
        assert.deepEqual(await world.get(created.id, { app, type }), refreshed);
      }
    });

    it('of any kind are told as they are', async () => {
      for (const [app, type, owner] of NAMES) {
        const { id } = await world.create({ app, type, owner });
        await world.update(id, { a: 1 }, { app, type });
        await world.refresh(id, 1, { app, type });
        await world.advance(2 * SECOND);
        await world.list(owner, { app, type });
        const events = await world.events();
        assert.deepEqual(
          events.map(({ type: kind, data }) => [kind, data.app, data.type, data.owner]),
          ['created', 'updated', 'refreshed', 'expired'].map((kind) => [`token-${kind}`, app, type, owner]),
        );
      }
    });

    it('of any kind are revoked alone', async () => {
      const ids = NAMES.map(() => newId());
      for (const [i, [app, type, owner]] of NAMES.entries()) {
        await world.create({ id: ids[i], app, type, owner });
      }
      let left = NAMES.length;
      for (const [app, type, owner] of NAMES) {
        assert.equal(await world.deleteAll(owner, { app, type }), 1);
        assert.deepEqual(await world.indexSizes(), { byOwner: --left, byScope: left });
      }
    });

    it('mark late creates of their own owner only', async () => {
      const issuedAt = world.now();
      const [app, type, owner] = NAMES[0];
      await world.deleteAll(owner, { app, type });
      for (const [otherApp, otherType, otherOwner] of NAMES.slice(1)) {
        assert.isDefined(
          await world.create({ app: otherApp, type: otherType, owner: otherOwner, issuedAt, duration: 9 }),
        );
      }
    });
  });
}
