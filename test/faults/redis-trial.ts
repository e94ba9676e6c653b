// Every operation, each on a token of its own, while something is wrong with Redis; and whether what was told was true.
import { randomBytes } from 'node:crypto';
import { assert } from 'chai';
import type { Redis } from 'ioredis';
import {
  ConfigError,
  ResultTimeoutError,
  StoreUnavailableError,
  type Token,
  type TokenOperations,
} from '../../src/index.js';
import { type Audit, audit } from './redis-audit.js';

export const SCOPE = { app: 'shop', type: 'session' };
export const DURATION = 3_600;

export const OPERATIONS = [
  'create',
  'get',
  'update',
  'refresh',
  'rotate',
  'delete',
  'deleteById',
  'consume',
  'deleteAll',
  'getById',
  'list',
  'count',
  'ready',
] as const;
export type OperationName = (typeof OPERATIONS)[number];

/** What is told of a change to a token, by its event; a token that is consumed or ended otherwise is told to be revoked. */
const TOLD_AS = {
  create: 'create',
  update: 'update',
  refresh: 'refresh',
  rotate: 'rotate',
  delete: 'delete',
  deleteById: 'delete',
  consume: 'delete',
  deleteAll: 'delete',
} as const;
type ChangeName = keyof typeof TOLD_AS;

export const isChange = (name: OperationName): name is ChangeName => Object.hasOwn(TOLD_AS, name);

/** How often a change was made to a token. */
export const timesMade = ({ count }: Audit, name: ChangeName, id: string): number => count(id, TOLD_AS[name]);

/** An operation, and the token that is its alone. */
export interface Subject {
  name: OperationName;
  id: string;
  input: object;
}

/** What became of a call. */
export interface Attempted {
  name: OperationName;
  id: string;
  ms: number;
  value?: unknown;
  error?: unknown;
}

export type Call = (name: OperationName, input: never) => Promise<unknown>;

/** Calls a door's operations. */
export const through =
  (door: TokenOperations): Call =>
  (name, input) =>
    name === 'ready' ? door.ready() : door[name](input);

/** How a change ended for its caller. */
export const verdict = ({ error }: Attempted): 'done' | 'none' | 'unknown' => {
  if (error === undefined) return 'done';
  if (error instanceof StoreUnavailableError) return error.outcome;
  return error instanceof ConfigError ? 'none' : 'unknown';
};

export const shown = (attempted: Attempted): string =>
  `${attempted.name} of ${attempted.id}: ${attempted.error ?? JSON.stringify(attempted.value)} after ${Math.round(attempted.ms)} ms`;

export class Trial {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #all: Attempted[] = [];

  /** @param redis sees the server while nothing is wrong with it; RESP2's shapes. */
  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /** A subject for each operation, made while all is well. */
  async prepare(tokens: TokenOperations): Promise<Subject[]> {
    return Promise.all(
      OPERATIONS.map(async (name) => {
        const owner = `${name}-${randomBytes(6).toString('hex')}`;
        if (name === 'ready') return { name, id: '', input: {} };
        if (name === 'create') {
          const customToken = randomBytes(12).toString('hex');
          const id = tokens.idOf({ ...SCOPE, token: customToken });
          return { name, id, input: { ...SCOPE, owner, duration: DURATION, customToken } };
        }
        const { token, id } = await tokens.create({ ...SCOPE, owner, data: { n: 0 }, duration: DURATION });
        const secret = { ...SCOPE, token };
        const inputs = {
          get: secret,
          update: { ...secret, data: { n: 1 } },
          refresh: { ...secret, duration: 2 * DURATION },
          rotate: secret,
          delete: secret,
          deleteById: { ...SCOPE, id },
          consume: secret,
          deleteAll: { ...SCOPE, owner },
          getById: { ...SCOPE, id },
          list: { ...SCOPE, owner },
          count: { ...SCOPE, owner },
        };
        return { name, id, input: inputs[name] };
      }),
    );
  }

  /** All at once; what is answered must be right. */
  async run(subjects: readonly Subject[], call: Call): Promise<Attempted[]> {
    const attempted = await Promise.all(
      subjects.map(async ({ name, id, input }): Promise<Attempted> => {
        const begun = performance.now();
        try {
          const value = await call(name, input as never);
          return { name, id, ms: performance.now() - begun, value };
        } catch (error) {
          return { name, id, ms: performance.now() - begun, error };
        }
      }),
    );
    for (const one of attempted) this.record(one);
    return attempted;
  }

  /** For the check. */
  record(attempted: Attempted): void {
    checkAnswer(attempted);
    this.#all.push(attempted);
  }

  /** What was told is true of what is stored, and every part of that agrees with the others. */
  async check(): Promise<void> {
    const found = await audit(this.#redis, this.#prefix);
    for (const attempted of this.#all) {
      const { name, id } = attempted;
      if (!isChange(name)) continue;
      const applied = timesMade(found, name, id);
      const told = verdict(attempted);
      if (told === 'none') assert.equal(applied, 0, shown(attempted));
      else if (told === 'done') assert.equal(applied, 1, shown(attempted));
      else assert.isAtMost(applied, 1, shown(attempted));
    }
  }
}

/** An answer is the right one, whatever is wrong with Redis; what is no answer is an error that says so. */
function checkAnswer(attempted: Attempted): void {
  const { name, id, error, value } = attempted;
  const what = shown(attempted);
  if (error !== undefined) {
    const kinds = [StoreUnavailableError, ConfigError, ResultTimeoutError];
    assert.isTrue(
      kinds.some((kind) => error instanceof kind),
      what,
    );
    return;
  }
  const version = { create: 1, get: 1, getById: 1, consume: 1, update: 2, refresh: 2, rotate: 2 }[
    name as string
  ];
  if (version !== undefined) assert.equal((value as Token | undefined)?.version, version, what);
  else if (name === 'delete' || name === 'deleteById') assert.isTrue(value, what);
  else if (name === 'deleteAll' || name === 'count') assert.equal(value, 1, what);
  else if (name === 'list')
    assert.deepEqual(
      (value as Token[]).map(({ id }) => id),
      [id],
      what,
    );
}
