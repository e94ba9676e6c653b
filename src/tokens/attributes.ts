/** What a token may have besides its data. Few have any: a record without them is as short as can be. */

/** Names hold letters only: scripts find them in a record's text. */
export interface TokenAttributes {
  /** What of the secret may be shown beside the record in a list. */
  hint?: string;
  label?: string;
  /** Microseconds: what was revoked of its owner up to then was all but this token. No caller is told. */
  spared?: number;
}

/** Those that no caller is told of. */
export const INTERNAL_ATTRIBUTES: ReadonlySet<string> = new Set(['spared']);

type Holder = { [Name in keyof TokenAttributes]?: TokenAttributes[Name] | undefined };

/** Hands them on, each by its name: a spread would cost every read. */
export function passAttributes(from: Holder, to: TokenAttributes): void {
  if (from.hint !== undefined) to.hint = from.hint;
  if (from.label !== undefined) to.label = from.label;
}

/** Those of a record or a command, or `undefined` where it has none. */
export function attributesOf(from: Holder): TokenAttributes | undefined {
  const attributes: TokenAttributes = {};
  passAttributes(from, attributes);
  for (const _ in attributes) return attributes;
  return undefined;
}
