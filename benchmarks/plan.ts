// How much is measured: all of it, or as little as shows that the benchmarks still run.

export interface Plan {
  /** Measurements of each subject. */
  runs: number;
  /** Of those that are over quickly. */
  manyRuns: number;
  /** Milliseconds of one measurement of a rate. */
  milliseconds: number;
  /** Tokens that are there while peers are read from. */
  growth: readonly number[];
  /** Few and many tokens of one deployment. */
  few: number;
  many: number;
  /** Commands through the queue in one run, and jobs of an empty worker. */
  commands: number;
  emptyJobs: number;
  /** Commands awaited in one run, and revocations heard. */
  awaited: number;
  /** Creates that wait while revocations are heard. */
  backlog: number;
  /** Tokens whose memory is weighed in the first run. */
  weighed: number;
  /** Tokens of one owner, and commands of one worker. */
  owned: number;
  /** Tokens that a Cluster is filled with. */
  filled: number;
}

export const FULL: Plan = {
  runs: 3,
  manyRuns: 5,
  milliseconds: 250,
  growth: [1_000, 10_000, 100_000, 1_000_000],
  few: 1_000,
  many: 1_000_000,
  commands: 100_000,
  emptyJobs: 20_000,
  awaited: 500,
  backlog: 100_000,
  weighed: 24_000,
  owned: 1_000_000,
  filled: 10_000_000,
};

/** Its figures say nothing. */
export const QUICK: Plan = {
  runs: 3,
  manyRuns: 3,
  milliseconds: 30,
  growth: [1_000, 2_000],
  few: 1_000,
  many: 10_000,
  commands: 3_000,
  emptyJobs: 500,
  awaited: 20,
  backlog: 5_000,
  weighed: 3_000,
  owned: 20_000,
  filled: 20_000,
};
