// What of a secret may be shown beside its record, and what a token is called.
import { inspect } from 'node:util';
import { assert } from 'chai';
import { generateToken, type TokenOperations, ValidationError } from '../../src/index.js';
import { MemoryTokens } from '../../src/memory/tokens.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { rejection } from '../support/eventually.js';

const OWNER = { ...SCOPE, owner: 'ann', duration: 60 };

describe('A hint', () => {
  const stage = new Stage();
  const doors: [name: string, open: () => Promise<TokenOperations>][] = [
    ['in memory', async () => new MemoryTokens()],
    [
      'over the queue',
      async () => {
        await stage.startWorker();
        return stage.producer();
      },
    ],
  ];

  for (const [name, open] of doors) {
    it(`is the prefix and the last four characters, and is there only where it was asked for (${name})`, async () => {
      const tokens = await open();
      const generated = await tokens.create({ ...OWNER, hint: true, label: 'my phone' });
      assert.equal(generated.hint, `rt_…${generated.token.slice(-4)}`);
      assert.equal(generated.label, 'my phone');
      assert.deepEqual(await tokens.get({ ...SCOPE, token: generated.token }), generated);
      const keys = tokens.scope({ ...SCOPE, tokenPrefix: 'shop_', duration: 60, hint: true });
      const prefixed = await keys.create({ owner: 'ann' });
      assert.equal(prefixed.hint, `shop_…${prefixed.token.slice(-4)}`);
      const made = await tokens.create({ ...OWNER, hint: true, customToken: generateToken() });
      assert.equal(made.hint, `rt_…${made.token.slice(-4)}`);
      const custom = await tokens.create({ ...OWNER, hint: true, customToken: 'correct horse battery 🙂' });
      assert.equal(custom.hint, '…ry 🙂', 'of a custom one no prefix is shown');
      for (const hint of [false, undefined]) {
        const none = await tokens.create({ ...OWNER, hint });
        assert.notProperty(none, 'hint');
      }
      const listed = await tokens.list({ ...SCOPE, owner: 'ann' });
      assert.sameMembers(
        listed.flatMap(({ hint }) => hint ?? []),
        [generated, prefixed, made, custom].map(({ hint }) => hint),
      );
      const { token, ...record } = generated;
      assert.deepEqual(await tokens.update({ ...SCOPE, token, data: { a: 1 } }), {
        ...{ ...record, token, data: { a: 1 }, version: 2 },
      });
      assert.deepInclude(await tokens.refresh({ ...SCOPE, token, duration: 90 }), {
        ...{ hint: generated.hint as string, label: 'my phone' },
      });
      await tokens.close();
    });

    it(`is refused for a custom token of fewer than 16 characters, and for what is no flag (${name})`, async () => {
      const tokens = await open();
      for (const customToken of ['x', 'x'.repeat(15), '🙂'.repeat(15)]) {
        const error = await rejection<ValidationError>(tokens.create({ ...OWNER, customToken, hint: true }));
        assert.instanceOf(error, ValidationError);
        assert.deepEqual(error.fields, [
          { field: 'hint', problem: 'is for secrets of at least 16 characters' },
        ]);
        assert.notInclude(inspect(error), 'xxx');
        await tokens.create({ ...OWNER, customToken });
      }
      await tokens.create({ ...OWNER, customToken: '🙂'.repeat(16), hint: true });
      await tokens.close();
    });
  }

  it('is all of the secret that leaves the process', async () => {
    const producer = stage.producer();
    const { token, id } = await producer.enqueue('create', { ...OWNER, hint: true, label: 'my phone' });
    const [job] = await stage.waiting('commands');
    const text = JSON.stringify(job?.data);
    assert.include(text, `"hint":"rt_…${token.slice(-4)}"`);
    assert.include(text, `"id":"${id}"`);
    for (let from = 3; from + 5 <= token.length; from++)
      assert.notInclude(text, token.slice(from, from + 5), 'no five characters of it in a row');
  });
});
