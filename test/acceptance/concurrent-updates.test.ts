// Updates of different keys that meet at one token all survive, whichever way they come.
import { assert } from 'chai';
import { type Deployment, openDeployment } from './deployment.js';

const SCOPE = { app: 'shop', type: 'cart' };
const COUNT = 100;

describe('A hundred updates at once', () => {
  let deployment: Deployment;

  beforeEach(async () => {
    deployment = await openDeployment();
  });

  afterEach(() => deployment.close());

  const ways: [string, (deployment: Deployment, i: number) => Deployment['tokens' | 'producer']][] = [
    ['in process', ({ tokens }) => tokens],
    ['over the queue', ({ producer }) => producer],
    [
      'half in process and half over the queue',
      ({ tokens, producer }, i) => (i % 2 === 0 ? tokens : producer),
    ],
  ];
  for (const [way, door] of ways) {
    it(`all survive ${way}`, async () => {
      const { tokens } = deployment;
      const created = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, data: { first: [] } });
      const input = { ...SCOPE, token: created.token };
      const updates = Array.from({ length: COUNT }, (_, i) =>
        door(deployment, i).update({ ...input, data: { [`key ${i}`]: { i } } }),
      );
      const versions = (await Promise.all(updates)).map((updated) => updated?.version ?? 0);
      assert.deepEqual(
        versions.sort((a, b) => a - b),
        Array.from({ length: COUNT }, (_, i) => i + 2),
      );
      const found = await tokens.get(input);
      const entries = Array.from({ length: COUNT }, (_, i) => [`key ${i}`, { i }]);
      assert.deepEqual(found?.data, { first: [], ...Object.fromEntries(entries) });
      assert.equal(found?.version, COUNT + 1);
      assert.equal(found?.expiresAt, created.expiresAt);
    });
  }

  it('all survive as jobs of their own', async () => {
    const { tokens, producer } = deployment;
    const { token } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
    const updates = Array.from({ length: COUNT }, (_, i) =>
      producer.update({ ...SCOPE, token, data: { [i]: i } }, { commandId: `update-${i}` }),
    );
    await Promise.all(updates);
    const found = await tokens.get({ ...SCOPE, token });
    assert.deepEqual(found?.data, Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [i, i])));
    assert.equal(found?.version, COUNT + 1);
  });
});
