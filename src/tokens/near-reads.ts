/** Reads that the repository can answer at once, found by the token's id alone. */
import type { KeyObject } from 'node:crypto';
import { nameProblem } from './fields.js';
import { tokenId } from './identity.js';
import type { SealingKey } from './pepper.js';
import type { TokenRepository } from './repository.js';
import type { Token } from './types.js';

/**
 * A hit proves what sealing would check: only an app, a type and a token that were found before have this id. So sealing,
 * which costs more than all else here, is left to what does not hit.
 */
export class NearReads {
  readonly #repository: TokenRepository;
  readonly #tokenPrefix: string;
  /** The one that seals: what lies under another is moved by the read that finds it. */
  readonly #pepper: KeyObject | undefined;
  readonly #knowsNone: boolean;
  /** Whether reads have come with other prefixes: then a hit does not prove that the token is possible under this one. */
  #prefixesDiffer = false;

  constructor(
    repository: TokenRepository,
    { tokenPrefix, peppers }: { tokenPrefix: string; peppers: readonly SealingKey[] },
  ) {
    this.#repository = repository;
    this.#tokenPrefix = tokenPrefix;
    this.#pepper = peppers[0]?.key;
    this.#knowsNone = peppers.length === 0;
  }

  /** The token, or `undefined` where the read must take the long way, be it for its input. */
  find(input: unknown): Token | undefined {
    if (typeof input !== 'object' || input === null) return undefined;
    const { app, type, token, tokenPrefix, client } = input as Record<string, unknown>;
    if (tokenPrefix !== undefined && tokenPrefix !== this.#tokenPrefix) this.#prefixesDiffer = true;
    if (this.#knowsNone || this.#prefixesDiffer || typeof app !== 'string' || typeof type !== 'string')
      return undefined;
    // The hash of a text with lone surrogates is that of another.
    if (typeof token !== 'string' || !token.isWellFormed()) return undefined;
    if (client !== undefined && nameProblem(client)) return undefined;
    for (const field of Object.keys(input)) if (!FIELDS.has(field)) return undefined;
    const found = this.#repository.peek?.(tokenId(app, type, token, this.#pepper), { app, type });
    if (!found) return undefined;
    const near = found as Token; // a copy of our own
    near.token = token;
    return near;
  }
}

/** Others are rare, or wrong. */
const FIELDS = new Set(['app', 'type', 'token', 'tokenPrefix', 'client']);
