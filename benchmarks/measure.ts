// What is measured and how it is told: rows of pairs, taken in turns, and the ratio of each pair.

export type Target = { least: number } | { most: number };

export interface Row {
  /** What `--only` names. */
  group: string;
  name: string;
  unit: string;
  /** One figure of each run; none where this version does not have what is measured. */
  ours: number[];
  /** That of the same run of whom we are measured against; empty where the target is one of our figures alone. */
  peer: number[];
  /** Who that is. */
  against: string;
  /** Of the ratio; without a peer, of our own figure. */
  target: Target | undefined;
}

/** Two or more subjects in turns, so that what slows the machine down slows all of them: a run holds one of each. */
export async function inTurns<T extends readonly ((run: number) => Promise<number>)[]>(
  runs: number,
  ...subjects: T
): Promise<{ [K in keyof T]: number[] }> {
  const figures = subjects.map(() => [] as number[]);
  for (let run = 0; run < runs; run += 1) {
    for (const [index, subject] of subjects.entries()) figures[index]?.push(await subject(run));
  }
  return figures as { [K in keyof T]: number[] };
}

/** Of each run the best of several peers. */
export const fastest = (...peers: number[][]): number[] =>
  (peers[0] ?? []).map((_, run) => Math.max(...peers.map((peer) => peer[run] as number)));

export const ratiosOf = ({ ours, peer }: Row): number[] =>
  peer.map((figure, run) => (ours[run] as number) / figure);

/** What the target is held against. */
export const judgedOf = (row: Row): number[] => (row.peer.length > 0 ? ratiosOf(row) : row.ours);

export function isMet(row: Row): boolean | undefined {
  if (!row.target || row.ours.length === 0) return undefined;
  const figure = median(judgedOf(row));
  return 'least' in row.target ? figure >= row.target.least : figure <= row.target.most;
}

export const median = (figures: readonly number[]): number => quantile(figures, 0.5);

export function quantile(figures: readonly number[], part: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (low === undefined || high === undefined) throw new Error('no figures');
  return low + (high - low) * (place % 1);
}
