/** What the keys of redis-tokens 0.0 tell: whose token each is, and the token itself. */
import type { Scope } from '../tokens/types.js';

/** What the names of all of them begin with. */
export const OLD_KEYS = 'app:';

const OLD_KEY = /^app:(.*)\|type:(.*)\|owner:(.*)\|token:(.*)$/s;

const DELIMITERS = ['|type:', '|owner:', '|token:'] as const;

export interface OldToken extends Scope {
  owner: string;
  token: string;
}

/**
 * `app:…|type:…|owner:…|token:…`, or `undefined` for another name. One in which a delimiter stands twice can be read in
 * more than one way: whose it is, nobody can tell.
 */
export function parseOldKey(key: string): OldToken | undefined {
  const [, app, type, owner, token] = OLD_KEY.exec(key) ?? [];
  if (app === undefined || type === undefined || owner === undefined || token === undefined) return undefined;
  if (DELIMITERS.some((delimiter) => key.indexOf(delimiter) !== key.lastIndexOf(delimiter))) return undefined;
  return { app, type, owner, token };
}
