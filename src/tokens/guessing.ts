/** Whoever presents many tokens that are none may be guessing: what is counted of that, and what is told. */
import { randomUUID } from 'node:crypto';
import { checkOptions, type OptionRule, wholeNumber } from './options.js';
import type { Scope } from './types.js';

/** From how many misses on a client is told of as guessing. The same in every process of a deployment. */
export interface GuessingOptions {
  /** Misses of one client in one scope within `window`, 1–1,000,000. Default 20. */
  misses?: number | undefined;
  /** Milliseconds, 1,000–3,600,000, from the first miss of whomever on: then counting begins anew. Default 60,000. */
  window?: number | undefined;
}

const RULES: Record<keyof GuessingOptions, OptionRule> = {
  misses: wholeNumber(1, 1_000_000, 'misses'),
  window: wholeNumber(1_000, 3_600_000, 'milliseconds'),
};

/** With every default. */
export type GuessingRule = Required<{ [K in keyof GuessingOptions]: number }>;

/** With every default; `undefined` where nothing is to be counted. @throws {ConfigError} */
export function resolveGuessing(options: GuessingOptions | undefined): GuessingRule | undefined {
  if (options === undefined) return undefined;
  checkOptions('guessing', options, RULES);
  return { misses: options.misses ?? 20, window: options.window ?? 60_000 };
}

/** Somebody who presented a token that is none. */
export interface Miss extends Scope {
  /** As the caller named it. */
  client: string;
}

/** The name of the event, and the first part of its channel. */
export const GUESSING_SUSPECTED = 'guessing-suspected' satisfies GuessingSuspected['type'];

/** A client has presented as many tokens that are none as `guessing` allows. Told by pub/sub alone, and kept nowhere. */
export interface GuessingSuspected {
  /** Of CloudEvents. */
  specversion: '1.0';
  /** Unique. */
  id: string;
  /** Who tells it. */
  source: 'redis-tokens';
  /** What is told. */
  type: 'guessing-suspected';
  /** RFC 3339, by the store's clock. */
  time: string;
  /** Where, and how much. */
  data: {
    /** Of the scope. */
    app: string;
    /** Of the scope. */
    type: string;
    /** As callers named it: in no attribute of the envelope, since it may be personal data. */
    client: string;
    /** How many were counted within the window so far. */
    misses: number;
    /** Milliseconds. */
    window: number;
  };
}

/** @param nowMs epoch milliseconds. */
export const guessingSuspected = (
  { app, type, client }: Miss,
  misses: number,
  window: number,
  nowMs: number,
): GuessingSuspected => ({
  specversion: '1.0',
  id: randomUUID(),
  source: 'redis-tokens',
  type: GUESSING_SUSPECTED,
  time: new Date(nowMs).toISOString(),
  data: { app, type, client, misses, window },
});
