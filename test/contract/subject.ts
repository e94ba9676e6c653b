// What the contract suite needs of a repository that it tests.
import type { Microseconds } from '../../src/tokens/clock.js';
import type { TokenEvent } from '../../src/tokens/events.js';
import type { TokenRepository } from '../../src/tokens/repository.js';

/** A token as a record or an index holds it. */
export interface Member {
  app: string;
  type: string;
  owner: string;
  id: string;
  expiresAt: number;
}

/** All that is kept of tokens, overdue index members too. */
export interface Contents {
  records: Member[];
  byOwner: Member[];
  byScope: Member[];
}

export interface Subject {
  readonly repository: TokenRepository;
  /** Lets time pass for everything that is stored. A stamp of before is that much older: make stamps afterwards. */
  advance(ms: number): Promise<void>;
  /** Every event so far, in order. */
  events(): Promise<TokenEvent[]>;
  contents(): Promise<Contents>;
  /** Leaves marks of tokens that nobody knows, all of one time. */
  fillMarks(count: number, stamp: Microseconds): Promise<void>;
  close(): Promise<void>;
}

export interface SubjectOptions {
  maxDataBytes: number;
  maxCommandAge: number;
}

/** Opens an empty store. */
export type OpenSubject = (options: SubjectOptions) => Promise<Subject>;
