/** The keys that ids are derived with: one that seals, and others under which tokens may still lie. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** A pepper with a name, so that another can take its place. */
export interface PepperKey {
  /** 1–32 of `[A-Za-z0-9._-]`: told in messages. `none` is kept for tokens without a pepper. */
  id: string;
  /** At least 32 bytes; null, with the id `none`, for tokens that were sealed without a pepper. */
  key: string | Uint8Array | null;
}

/** As it is given: one key, several with the one that seals first, or `false` for a door that knows none. */
export type Pepper = string | Uint8Array | readonly PepperKey[] | false;

/** A key that was checked. */
export interface SealingKey {
  /** Empty where only one was given, without an id. */
  id: string;
  /** Absent where ids are derived without a key. */
  key: KeyObject | undefined;
}

/** The id of what is no key: of tokens that were sealed without one. */
export const NO_PEPPER = 'none';

const PEPPER_BYTES = 32; // the output of SHA-256: a shorter key would weaken the HMAC (RFC 2104, section 3)

/** A look-up of a token asks for as many ids at the most. */
export const MAX_PEPPERS = 5;

const isKey = (value: unknown): value is string | Uint8Array =>
  (typeof value === 'string' || value instanceof Uint8Array) && Buffer.byteLength(value) >= PEPPER_BYTES;

/** What a pepper must be, or `undefined` where it fits. No key is shown. */
export function pepperProblem(value: unknown): string | undefined {
  if (value === false || isKey(value)) return undefined;
  const expected = `a key of at least ${PEPPER_BYTES} bytes`;
  if (!Array.isArray(value)) return expected;
  const list = `a list of up to ${MAX_PEPPERS} { id, key }`;
  if (value.length === 0 || value.length > MAX_PEPPERS)
    return `${list}, each key of at least ${PEPPER_BYTES} bytes`;
  const ids = new Set<string>();
  const digests = new Set<string>();
  for (const [i, entry] of value.entries()) {
    const { id, key, ...others } = (
      typeof entry === 'object' && entry !== null ? entry : {}
    ) as Partial<PepperKey>;
    const problem = entryProblem(id, key) ?? (Object.keys(others).length > 0 ? 'only id and key' : undefined);
    if (problem !== undefined) return `${list}, where number ${i + 1} has ${problem}`;
    const check = checkOf({ id: id as string, key: toKey(key as PepperKey['key']) });
    if (ids.has(id as string) || digests.has(check)) return `${list}, each id and each key once`;
    ids.add(id as string);
    digests.add(check);
  }
  return undefined;
}

function entryProblem(id: unknown, key: unknown): string | undefined {
  if (typeof id !== 'string' || !/^[A-Za-z0-9._-]{1,32}$/.test(id)) return 'an id: 1–32 of A–Z a–z 0–9 . _ -';
  if (id === NO_PEPPER || key === null)
    return id === NO_PEPPER && key === null ? undefined : `the id "${NO_PEPPER}" with key null`;
  return isKey(key) ? undefined : `a key of at least ${PEPPER_BYTES} bytes`;
}

/** The keys, the one that seals first; none of them for a door that knows none. It must have been checked. */
export function sealingKeys(pepper: Pepper | undefined): readonly SealingKey[] {
  if (pepper === false) return [];
  if (pepper === undefined) return [{ id: NO_PEPPER, key: undefined }];
  if (typeof pepper === 'string' || pepper instanceof Uint8Array) return [{ id: '', key: toKey(pepper) }];
  return pepper.map(({ id, key }) => ({ id, key: toKey(key) }));
}

/**
 * Tells a key from another, and nothing of it. What tokens are sealed with holds NUL, and this text does not: it is
 * the HMAC of no token.
 */
export const checkOf = ({ key }: SealingKey): string =>
  key
    ? createHmac('sha256', key).update('redis-tokens: which pepper this is').digest('base64url').slice(0, 16)
    : NO_PEPPER;

function toKey(key: PepperKey['key']): KeyObject | undefined {
  if (key === null) return undefined;
  return typeof key === 'string' ? createSecretKey(key, 'utf8') : createSecretKey(key);
}
