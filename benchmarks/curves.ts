// The points of the chart: how long one get takes, for each subject and number of tokens.

export interface Point {
  tokens: number;
  /** Of one get, the others waiting for it. */
  microseconds: number;
}

export type Curves = Record<string, Point[]>;

export function addPoint(curves: Curves, name: string, tokens: number, perSecond: number): void {
  curves[name] ??= [];
  curves[name].push({ tokens, microseconds: 1e6 / perSecond });
}
