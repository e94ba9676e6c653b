// What every group of rows is given, and gives back.
import type { Costs } from './capacity.js';
import type { Curves } from './curves.js';
import type { Row } from './measure.js';
import type { Plan } from './plan.js';
import type { BenchRedis } from './redis.js';

export interface Bench {
  /** Empty when a group begins. */
  readonly redis: BenchRedis;
  readonly plan: Plan;
  /** The chart's points. */
  readonly curves: Curves;
  /** What one of each costs, where that was measured. */
  readonly told: { costs?: Costs };
  /** Told while it goes on. */
  log(line: string): void;
}

export type Group = (bench: Bench) => Promise<Row[]>;
