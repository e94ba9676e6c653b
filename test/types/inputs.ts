// Compiled by `npm run lint:types`, never run: what the compiler must take, and what it must refuse.
import type { TokenRepository } from '../../src/memory/index.js';
import { MemoryTokenRepository, MemoryTokens } from '../../src/memory/index.js';
import type { TokenOperations } from '../../src/tokens/operations.js';
import type { Token, TokenRecord } from '../../src/tokens/types.js';

interface Session {
  name: string;
  age?: number;
}

const tokens: TokenOperations = new MemoryTokens();
const repository: TokenRepository = new MemoryTokenRepository();
const SESSION = { app: 'shop', type: 'session', duration: 86_400 };
const scope = { app: 'shop', type: 'session' };

export async function create(): Promise<void> {
  const untyped: Token = await tokens.create({ ...scope, owner: 'ann', duration: 60 });
  untyped.data.anything;
  await tokens.create({ ...scope, owner: 'ann', duration: 60, data: undefined, customToken: undefined });
  const typed = await tokens.create<Session>({ ...scope, owner: 'ann', duration: 60, data: { name: 'Ann' } });
  typed.data.name satisfies string;
  typed.token satisfies string;
  // @ts-expect-error: there is no such key in the data
  typed.data.nam;
  // @ts-expect-error: a misspelt field
  await tokens.create({ ...scope, owner: 'ann', duratoin: 60 });
  // @ts-expect-error: a misspelt optional field
  await tokens.create({ ...scope, owner: 'ann', duration: 60, custmToken: 'x' });
  // @ts-expect-error: no owner
  await tokens.create({ ...scope, duration: 60 });
  // @ts-expect-error: data that is no object
  await tokens.create({ ...scope, owner: 'ann', duration: 60, data: 'text' });
  // @ts-expect-error: of another type than said
  await tokens.create<Session>({ ...scope, owner: 'ann', duration: 60, data: { name: 1 } });
  // @ts-expect-error: not in seconds
  await tokens.create({ ...scope, owner: 'ann', duration: '60' });
}

export async function read(): Promise<void> {
  const found = await tokens.get<Session>({ ...scope, token: 'x' });
  // @ts-expect-error: there may be none
  found.data;
  found?.data.name satisfies string | undefined;
  // @ts-expect-error: a token is given to get as `token`
  await tokens.get({ ...scope, customToken: 'x' });
  // @ts-expect-error: no scope
  await tokens.get({ token: 'x' });

  const listed: TokenRecord<Session>[] = await tokens.list<Session>({ ...scope, owner: 'ann', limit: 1 });
  // @ts-expect-error: a list holds no secrets
  listed[0]?.token;
  await tokens.list({ ...scope, owner: 'ann', after: listed.at(-1) });
  // @ts-expect-error: not a place
  await tokens.list({ ...scope, owner: 'ann', after: 'x' });
  (await tokens.delete({ ...scope, token: 'x' })) satisfies boolean;
  (await tokens.deleteAll({ ...scope, owner: 'ann' })) satisfies number;
  tokens.idOf({ ...scope, token: 'x' }) satisfies string;
}

export async function change(): Promise<void> {
  const updated = await tokens.update<Session>({
    ...scope,
    token: 'x',
    data: { name: null, age: undefined },
  });
  // @ts-expect-error: there may be none
  updated.version;
  // @ts-expect-error: of another type than said
  await tokens.update<Session>({ ...scope, token: 'x', data: { age: 'thirty' } });
  // @ts-expect-error: not a key of the data
  await tokens.update<Session>({ ...scope, token: 'x', data: { agee: 30 } });
  // @ts-expect-error: a refresh needs a duration
  await tokens.refresh({ ...scope, token: 'x' });
}

export async function scoped(): Promise<void> {
  const sessions = tokens.scope<Session>(SESSION);
  await sessions.create({ owner: 'ann', data: { name: 'Ann' } });
  await sessions.create({ owner: 'ann', duration: 60 });
  // @ts-expect-error: data of another type than the scope's
  await sessions.create({ owner: 'ann', data: { name: 1 } });
  // @ts-expect-error: a misspelt field
  await sessions.create({ ownr: 'ann' });
  // @ts-expect-error: the scope is given
  await sessions.create({ owner: 'ann', app: 'mill' });
  const found = await sessions.get({ token: 'x' });
  // @ts-expect-error: there may be none
  found.data.name;
  await sessions.refresh({ token: 'x' });
  await sessions.update({ token: 'x', data: { name: null } });
  // @ts-expect-error: of another type than the scope's
  await sessions.update({ token: 'x', data: { name: 1 } });
  // @ts-expect-error: a misspelt default
  tokens.scope({ ...scope, durations: 1 });
}

export async function stores(): Promise<void> {
  await repository.ready();
  // @ts-expect-error: an unknown option
  new MemoryTokens({ prefx: 'x' });
  // @ts-expect-error: a clock does not run backwards on its own
  repository.advance(1);
  // @ts-expect-error: events are told, not changed
  new MemoryTokens().events.pop();
}
