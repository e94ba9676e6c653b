// Every operation in many ways, and what each call of it comes to: the same through whichever door.
import { assert } from 'chai';
import { generateToken, type Token, type TokenOperations } from '../../src/index.js';
import { SCOPE } from './stage.js';

/** Times differ from run to run; how far they lie apart does not. */
const timeless = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value ?? 'undefined'), (key, part) =>
    key === 'createdAt' || key === 'expiresAt' ? typeof part : part,
  );

const told = (error: Error) => ({ ...error, name: error.name, message: error.message });

/** What each call of a story comes to. */
export async function tell(tokens: TokenOperations): Promise<unknown[]> {
  const outcomes: unknown[] = [];
  const call = async (promise: Promise<unknown>) => {
    outcomes.push(
      await promise.then(timeless, (error) => {
        assert.instanceOf(error, Error);
        return told(error);
      }),
    );
  };
  const token = 'ann-1';
  const created = await tokens.create({
    ...SCOPE,
    owner: 'ann',
    duration: 60,
    customToken: token,
    data: { a: 1 },
  });
  outcomes.push(timeless(created), Math.round((created.expiresAt - created.createdAt) / 1_000));
  await call(tokens.create({ ...SCOPE, owner: 'bob', duration: 60, customToken: token }));
  await call(tokens.get({ ...SCOPE, token }));
  await call(tokens.get({ ...SCOPE, token: 'nobody' }));
  await call(tokens.get({ ...SCOPE, token: '' }));
  await call(tokens.update({ ...SCOPE, token, data: { a: null, b: [], c: { d: null } } }));
  await call(tokens.update({ ...SCOPE, token, data: { x: 'y'.repeat(70_000) } }));
  await call(tokens.update({ ...SCOPE, token, data: { x: 'y'.repeat(40_000) } }));
  await call(tokens.update({ ...SCOPE, token, data: { z: 'y'.repeat(40_000) } }));
  await call(tokens.update({ ...SCOPE, token: 'nobody', data: { a: 1 } }));
  const refreshed = await tokens.refresh({ ...SCOPE, token, duration: 600 });
  outcomes.push(timeless(refreshed), (refreshed?.expiresAt ?? 0) - created.expiresAt > 530_000);
  await call(tokens.refresh({ ...SCOPE, token: 'nobody', duration: 600 }));
  await tokens.create({ ...SCOPE, owner: 'ann', duration: 1_200, customToken: 'ann-2' });
  await call(tokens.list({ ...SCOPE, owner: 'ann' }));
  await call(tokens.list({ ...SCOPE, owner: 'ann', limit: 1 }));
  const [first] = await tokens.list({ ...SCOPE, owner: 'ann' });
  await call(tokens.list({ ...SCOPE, owner: 'ann', after: first }));
  await call(tokens.list({ ...SCOPE, owner: 'nobody' }));
  await call(tokens.delete({ ...SCOPE, token }));
  await call(tokens.delete({ ...SCOPE, token }));
  await call(tokens.deleteAll({ ...SCOPE, owner: 'ann' }));
  await call(tokens.deleteAll({ ...SCOPE, owner: 'ann' }));
  await call(tokens.list({ ...SCOPE, owner: 'ann' }));
  await call(tokens.rotate({ ...SCOPE, token: 'nobody' }));
  await call(tokens.rotate({ ...SCOPE, token: generateToken() }));
  await call(tokens.rotate({ ...SCOPE, token: 7 as never, duration: -1, grace: 301 }));
  outcomes.push(...(await tellRotation(tokens)));
  await call(tokens.create({ ...SCOPE, owner: '', duration: -1 }));
  await call(tokens.get({ ...SCOPE, token: 7 as never }));
  const [one, two] = await Promise.all(
    ['one', 'two', 'three', 'four'].map((customToken) =>
      tokens.create({ ...SCOPE, owner: 'ann', duration: 60, customToken, hint: false, label: customToken }),
    ),
  );
  await call(tokens.getById({ ...SCOPE, id: one?.id as string }));
  await call(tokens.getById({ ...SCOPE, id: one?.id as string, owner: 'bob' }));
  await call(tokens.getById({ ...SCOPE, id: 'none' }));
  await call(tokens.deleteById({ ...SCOPE, id: one?.id as string, owner: 'bob' }));
  await call(
    tokens.deleteById({ ...SCOPE, id: one?.id as string, owner: 'ann', reason: 'lost', by: 'user' }),
  );
  await call(tokens.consume({ ...SCOPE, token: 'two', reason: 'used' }));
  await call(tokens.consume({ ...SCOPE, token: two?.token as string }));
  await call(tokens.consume({ ...SCOPE, token: '' }));
  await call(tokens.deleteAll({ ...SCOPE, owner: 'ann', except: 'three' }));
  await call(tokens.update({ ...SCOPE, token: 'three', data: { alive: true } }));
  await call(tokens.scope(SCOPE).deleteScope({ by: 'policy' }));
  await call(tokens.deleteScope(SCOPE));
  await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
  await call(tokens.deleteApp({ app: SCOPE.app }));
  await call(tokens.deleteApp({ ...SCOPE }));
  outcomes.push(tokens.idOf({ ...SCOPE, token }));
  return outcomes;
}

/** The same of secrets that differ from run to run. */
async function tellRotation(tokens: TokenOperations): Promise<unknown[]> {
  const made = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60, data: { a: 1 }, hint: true });
  const rotations = { ...made, duration: 600, grace: 300 };
  const [first, second] = await Promise.all([tokens.rotate(rotations), tokens.rotate(rotations)]);
  const next = first as Token;
  assert.deepEqual(second, first);
  assert.match(next.token, /^rt_\w{49}$/);
  assert.equal(next.hint, `rt_…${next.token.slice(-4)}`);
  assert.equal(tokens.idOf(next), next.id);
  const outcomes = [
    await tokens.get(made),
    await tokens.get(next),
    await tokens.rotate(made),
    await tokens.rotate(next),
    await tokens.get(next),
    await tokens.update({ ...SCOPE, token: next.token, data: { a: 2 } }),
    await tokens.list({ ...SCOPE, owner: 'ann' }),
  ];
  const secretless = (_: string, value: unknown) =>
    typeof value === 'string' && /^(rt_.*|[\w-]{22})$/.test(value) ? 'secret or id' : value;
  return outcomes.map((outcome) => timeless(JSON.parse(JSON.stringify(outcome ?? null, secretless))));
}
