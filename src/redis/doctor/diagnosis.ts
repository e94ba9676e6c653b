/** What a doctor tells: how much was looked at, and what of it is wrong. */

/** What can be wrong, each with what it means. */
export const PROBLEMS = {
  'agreement-missing':
    'what all processes agree on is not there, or not all of it: the next to come fixes it, whatever its options',
  'not-in-owner-index': 'a live token that list and deleteAll of its owner do not see',
  'not-in-scope-index': 'a live token that is not among those of its scope: its expiry would not be told',
  'other-expiry-in-owner-index':
    "a live token that stands in its owner's index under another expiry than its own",
  'other-expiry-in-scope-index':
    "a live token that stands in its scope's index under another expiry than its own",
  'record-without-ttl': 'a record that would not go when its token expires',
  'record-with-other-ttl': 'a record that would go at another time than its token expires',
  'member-without-record': 'an index tells of a token that is not there: evicted, or deleted by hand',
  'unreadable-record': 'a record that nobody can read, nor revoke',
  'unreadable-member': 'a member of an index that can not be that of a token',
  'scope-not-listed': 'a scope that the sweep does not know of',
  'index-without-ttl': 'an index that would stay for ever',
  'index-ends-early': 'an index that would go before the sweep has told of its last token',
  'job-without-ttl': 'what was decided for a job would stay for ever',
  'rotation-without-ttl': 'what is kept of a token that was rotated would stay for ever',
  'key-of-other-type': 'a key of another type than is kept under such a name',
  'wrong-place': 'where nobody looks for it: the id or the name is that of another shard, or of none',
  'unknown-key': 'a key among those of a shard that nothing here reads or writes',
} as const;

export type ProblemKind = keyof typeof PROBLEMS;

/** What is only told: it may be somebody's, and harms nobody. */
export const LEFT_ALONE: ReadonlySet<ProblemKind> = new Set(['wrong-place', 'unknown-key']);

/** What a problem is about. */
export interface Subject {
  key: string;
  /** Of a hash, where it is about one. */
  field?: string;
  id?: string;
  app?: string;
  type?: string;
  owner?: string;
}

export interface Problem {
  kind: ProblemKind;
  meaning: string;
  count: number;
  /** How many of them are right now. */
  repaired: number;
  /** The first of them. */
  examples: Subject[];
}

/** How much was looked at. What others write meanwhile may be counted twice, or not at all. */
export interface Looked {
  records: number;
  ownerIndexes: number;
  scopeIndexes: number;
  /** Of the indexes. Each token has two. */
  members: number;
  /** Members whose time is over: in order, the sweep ends them. */
  overdue: number;
  /** Names of scopes that hold nothing any more: in order, the sweep forgets them. */
  emptyScopes: number;
  jobs: number;
}

export interface Diagnosis {
  /** False where it was stopped: the rest was not looked at. */
  complete: boolean;
  looked: Looked;
  problems: Problem[];
}

const EXAMPLES = 5;

/** Redis may show a key more than once; beyond so many problems one may be counted again for it. */
const REMEMBERED = 1_000_000;

export class Findings {
  readonly looked: Looked = {
    records: 0,
    ownerIndexes: 0,
    scopeIndexes: 0,
    members: 0,
    overdue: 0,
    emptyScopes: 0,
    jobs: 0,
  };
  readonly #problems = new Map<ProblemKind, Problem>();
  readonly #known = new Set<string>();

  add(kind: ProblemKind, subject: Subject, repaired: boolean): void {
    const name = JSON.stringify([kind, subject.key, subject.field, subject.id, subject.owner]);
    if (this.#known.has(name)) return;
    if (this.#known.size < REMEMBERED) this.#known.add(name);
    const problem = this.#problems.get(kind) ?? {
      kind,
      meaning: PROBLEMS[kind],
      count: 0,
      repaired: 0,
      examples: [],
    };
    this.#problems.set(kind, problem);
    problem.count++;
    if (repaired) problem.repaired++;
    if (problem.examples.length < EXAMPLES) problem.examples.push(subject);
  }

  get count(): number {
    return [...this.#problems.values()].reduce((sum, { count }) => sum + count, 0);
  }

  diagnosis(complete: boolean): Diagnosis {
    const order = Object.keys(PROBLEMS);
    const problems = [...this.#problems.values()].sort(
      (a, b) => order.indexOf(a.kind) - order.indexOf(b.kind),
    );
    return { complete, looked: this.looked, problems };
  }
}
