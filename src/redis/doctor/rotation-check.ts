/** Looks at what is left of tokens that were rotated: markers in the place of records, families, and nonces. */
import { isUtf8 } from 'node:buffer';
import { nameProblem } from '../../tokens/fields.js';
import { ID_PATTERN } from '../../tokens/identity.js';
import { isMarker } from '../codec.js';
import type { SecondLook } from './second-look.js';

/** What a marker or a family without a TTL is given, in ms: nobody knows any more for how long its family lives. */
export const MARKER_LIFE = 7 * 86_400_000;

/** A nonce is to go as soon as can be. */
const NONCE_LIFE = 1;

/** Whether a value stands for a token that was rotated, or has moved to another id, and scripts can read it. */
export function isWholeMarker(value: Buffer): boolean {
  if (!isUtf8(value)) return false;
  const text = value.toString();
  if (!isMarker(text)) return false;
  try {
    if (isSignpost(text)) return true;
    const [, app, type, owner, version, family, successor, ends, ...more] = JSON.parse(text);
    return (
      text === JSON.stringify([0, app, type, owner, version, family, successor, ends]) &&
      more.length === 0 &&
      [app, type, owner].every((name) => nameProblem(name) === undefined) &&
      [family, successor].every((id) => ID_PATTERN.test(id)) &&
      [version, ends].every((number) => Number.isSafeInteger(number) && number >= 0)
    );
  } catch {
    return false;
  }
}

/** Whether a text leads to the id that a token has moved to. */
function isSignpost(text: string): boolean {
  const [zero, app, type, id, since, ...more] = JSON.parse(text);
  return (
    text === JSON.stringify([zero, app, type, id, since]) &&
    more.length === 0 &&
    [app, type].every((name) => nameProblem(name) === undefined) &&
    ID_PATTERN.test(id) &&
    Number.isSafeInteger(since)
  );
}

/** Whether a key is named as those of families and nonces are. */
export const isOfRotations = (kind: string, segments: readonly string[]): boolean =>
  (kind === 'f' || kind === 'nonce') && segments.length === 1 && ID_PATTERN.test(segments[0] as string);

export async function lookAtRotations(again: SecondLook, keys: readonly string[]): Promise<void> {
  const facts = await again.read(
    keys.flatMap((key) => [
      ['type', key],
      ['pexpiretime', key],
    ]),
  );
  for (const [i, key] of keys.entries()) {
    const [type, ends] = facts.slice(2 * i, 2 * i + 2);
    const isFamily = key.includes('}:f:');
    const wanted = isFamily ? 'zset' : 'string';
    if (type !== wanted && type !== 'none') await again.unreadable(key, wanted);
    else if (ends === -1) await again.rotation(key, isFamily ? MARKER_LIFE : NONCE_LIFE);
  }
}
