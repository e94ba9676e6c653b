// What every subject stores: the same data of 150 bytes as JSON, and owners of the same length.

/** Flat, since redis-sessions stores nothing else. */
export type Data = { name: string; role: string; locale: string; theme: string; cart: number; note: string };

const DATA_BYTES = 150;

const bare: Data = { name: 'Ann Example', role: 'editor', locale: 'en-GB', theme: 'dark', cart: 7, note: '' };

export const data: Data = { ...bare, note: 'n'.repeat(DATA_BYTES - JSON.stringify(bare).length) };

export const APP = 'shop';
export const TYPE = 'session';

/** Seconds: no token expires while it is measured. */
export const DURATION = 86_400;

/** How many tokens an owner has, where a row does not say otherwise. */
export const TOKENS_PER_OWNER = 3;

/** The owner of the token of that number. */
export const ownerOf = (index: number, tokensPerOwner = TOKENS_PER_OWNER): string =>
  `owner-${String(Math.floor(index / tokensPerOwner)).padStart(7, '0')}`;

/** Whether an answer holds the data, all of it being one string that is compared: enough to tell a wrong answer. */
export const isData = (answer: unknown): boolean => (answer as Data | undefined)?.note === data.note;
