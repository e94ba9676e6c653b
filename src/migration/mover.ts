/** Creates tokens of redis-tokens 0.0 anew, by the path of every other create, and tells what became of each. */
import { isDeepStrictEqual } from 'node:util';
import { type Clock, MICROS_PER_MS, MICROS_PER_SECOND } from '../tokens/clock.js';
import { buildCommand, type Commands } from '../tokens/commands.js';
import {
  CommandFailedError,
  StoreUnavailableError,
  TokenExistsError,
  TokenRevokedError,
  ValidationError,
} from '../tokens/errors.js';
import type { ResolvedTokenOptions } from '../tokens/options.js';
import type { TokenRepository } from '../tokens/repository.js';
import { Sealer } from '../tokens/sealer.js';
import type { TokenRecord } from '../tokens/types.js';
import { NO_EXPIRY, type OldEntry } from './old-store.js';
import { parseOldKey } from './old-token.js';

/** Why a token is not moved. */
export const LEFT_BEHIND = {
  expired: 'expired, or gone, before it was moved',
  revoked: 'revoked in the new deployment lately: itself, or all of its owner, type or app',
  different: 'the new deployment has this token already, with another owner, other data or another expiry',
  'no-expiry': 'never expires; give them a life with --duration',
  'too-long': 'expires in more than ten years',
  unreadable: 'its value is no JSON object',
  name: 'its app, type or owner is empty, too long, ill-formed, or not to be told apart in the name of the key',
  token:
    'no token here can be that: too long, or it begins as generated ones do (option tokenPrefix) and is none',
  data: 'its data is too large (option maxDataBytes), too deep, or has ill-formed keys',
} as const;

export type LeftBehind = keyof typeof LEFT_BEHIND;

/** `present`: the new deployment has it already, as it is. */
export type Outcome = 'moved' | 'present' | LeftBehind;

export interface MoverOptions extends ResolvedTokenOptions {
  /** Seconds that tokens without an expiry live from when they are moved. Left out: they are left behind. */
  duration?: number | undefined;
}

/** Part of `maxCommandAge` by which moved tokens are older than the moment in which they are moved. */
const AGE = 0.9;

export class Mover {
  readonly #repository: TokenRepository;
  readonly #options: MoverOptions;
  readonly #clock: Clock;
  readonly #sealer: Sealer;

  /** @param clock must have been told its store's time before anything is moved. */
  constructor(repository: TokenRepository, options: MoverOptions, clock: Clock = repository) {
    this.#repository = repository;
    this.#options = options;
    this.#clock = clock;
    this.#sealer = new Sealer(options, clock);
  }

  /**
   * Moves one; those that are asked for in one tick take one script per shard. The old one stays.
   * @param entry `undefined` for one that was not there any more.
   */
  async move(entry: OldEntry | undefined): Promise<Outcome> {
    const command = this.#toCommand(entry);
    if (typeof command === 'string') return command;
    // Redis refuses what arrives after the end of its life: else a life as short as the way there would begin there.
    const deadline = this.#clock.reckoned() + this.#options.timeout * MICROS_PER_MS;
    const dead = endOf(command) * MICROS_PER_MS;
    try {
      await this.#repository.create(command, { until: Math.min(deadline, dead - 1) });
      return 'moved';
    } catch (error) {
      // It may have been ended meanwhile: whether by a revocation or otherwise, asking again tells.
      if (error instanceof TokenExistsError) return (await this.#compare(command, entry)) ?? this.move(entry);
      if (error instanceof TokenRevokedError) return 'revoked';
      if (error instanceof StoreUnavailableError && this.#clock.reckoned() >= dead) return 'expired';
      throw error;
    }
  }

  /** What `move` would do, but for what was revoked lately: writes nothing. */
  async foresee(entry: OldEntry | undefined): Promise<Outcome> {
    const command = this.#toCommand(entry);
    return typeof command === 'string' ? command : ((await this.#compare(command, entry)) ?? 'moved');
  }

  /** `undefined` where there is none. */
  async #compare(command: Commands['create'], entry: OldEntry | undefined): Promise<Outcome | undefined> {
    const found = await this.#find(command);
    if (!found) return found === null ? 'different' : undefined;
    const isSame =
      found.owner === command.owner &&
      (entry?.expiresAt === NO_EXPIRY || found.expiresAt === endOf(command)) &&
      isDeepStrictEqual(found.data, command.data);
    return isSame ? 'present' : 'different';
  }

  /** Under whichever pepper it lies, by its ids: to present it would be a use. Null for one that can not be read. */
  async #find(command: Commands['create']): Promise<TokenRecord | undefined | null> {
    const { id, formerIds = [], ...where } = command;
    try {
      for (const each of [id, ...formerIds]) {
        const read = buildCommand('getById', { ...where, id: each, owner: undefined });
        const found = await this.#repository.getById(read);
        if (found) return found;
      }
      return undefined;
    } catch (error) {
      if (error instanceof CommandFailedError) return null;
      throw error;
    }
  }

  /** The create that makes it, or why there is none. */
  #toCommand(entry: OldEntry | undefined): Commands['create'] | LeftBehind {
    if (!entry) return 'expired';
    const token = parseOldKey(entry.key);
    if (!token) return 'name';
    const data = parseData(entry.text);
    if (!data) return 'unreadable';
    const duration =
      entry.expiresAt === NO_EXPIRY
        ? this.#options.duration
        : (entry.expiresAt * MICROS_PER_MS - this.#clock.reckoned()) / MICROS_PER_SECOND;
    if (duration === undefined) return 'no-expiry';
    if (duration <= 0) return 'expired';
    const { app, type, owner, token: customToken } = token;
    try {
      const { command } = this.#sealer.seal('create', { app, type, owner, data, duration, customToken });
      return this.#predated(command, entry.expiresAt);
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      return reasonOf(error);
    }
  }

  /**
   * Nobody knows when it was created. It is stamped as early as a create may be that Redis still takes: so whatever was
   * revoked since, and is remembered, does not come to life.
   */
  #predated(command: Commands['create'], expiresAt: number): Commands['create'] {
    const now = command.issuedAt;
    command.issuedAt = now - Math.floor(this.#options.maxCommandAge * MICROS_PER_MS * AGE);
    const end = expiresAt === NO_EXPIRY ? toMs(now) + Math.round(command.duration * 1_000) : expiresAt;
    command.duration = (end - toMs(command.issuedAt)) / 1_000; // to the millisecond: Redis counts from issuedAt
    return command;
  }
}

const toMs = (micros: number): number => Math.floor(micros / MICROS_PER_MS);

/** Epoch milliseconds. */
const endOf = ({ issuedAt, duration }: Commands['create']): number =>
  toMs(issuedAt) + Math.round(duration * 1_000);

function parseData(text: string | null): object | undefined {
  try {
    const data: unknown = text === null ? undefined : JSON.parse(text);
    return typeof data === 'object' && data !== null && !Array.isArray(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

const REASONS: readonly [field: string, reason: LeftBehind][] = [
  ['app', 'name'],
  ['type', 'name'],
  ['owner', 'name'],
  ['customToken', 'token'],
  ['duration', 'too-long'],
];

function reasonOf({ fields }: ValidationError): LeftBehind {
  const known = REASONS.find(([name]) => fields.some(({ field }) => field === name));
  return known ? known[1] : 'data';
}
