/** What a token may have besides its data. Few have any: a record without them is as short as can be. */

/** Names hold letters only: scripts find them in a record's text. */
export interface TokenAttributes {
  /** What of the secret may be shown beside the record in a list. */
  hint?: string;
  label?: string;
  /** Seconds without use after which it dies. */
  idle?: number;
  /** Epoch milliseconds; only with `idle`. */
  absoluteExpiresAt?: number;
  /** Epoch milliseconds; only with `idle`, and absent until it is used. */
  lastUsedAt?: number;
  /** Microseconds: what was revoked of its owner up to then was all but this token. No caller is told. */
  spared?: number;
  /** Of a successor: the first of those that it stems from. No caller is told. */
  family?: string;
  /** Ids of other peppers that it was moved from, the latest first, with spaces between. No caller is told. */
  former?: string;
  /** Of a successor: when it took its place, in epoch milliseconds; callers are told it as `createdAt`. */
  rotated?: number;
}

type Holder = { [Name in keyof TokenAttributes]?: TokenAttributes[Name] | undefined };

/** Hands on those that callers are told of, each by its name: a spread would cost every read. */
export function passAttributes(from: Holder, to: TokenAttributes): void {
  if (from.hint !== undefined) to.hint = from.hint;
  if (from.label !== undefined) to.label = from.label;
  if (from.idle !== undefined) {
    to.idle = from.idle;
    if (from.absoluteExpiresAt !== undefined) to.absoluteExpiresAt = from.absoluteExpiresAt;
    if (from.lastUsedAt !== undefined) to.lastUsedAt = from.lastUsedAt;
  }
}

/** Those of a record or a command, or `undefined` where it has none. */
export function attributesOf(from: Holder): TokenAttributes | undefined {
  const attributes: TokenAttributes = {};
  passAttributes(from, attributes);
  for (const _ in attributes) return attributes;
  return undefined;
}
