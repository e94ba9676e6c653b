// One run of the benchmarks as it is kept: where it ran, every single figure, and the points of the chart.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';
import type { Costs } from './capacity.js';
import type { Curves } from './curves.js';
import { isMet, median, type Row, ratiosOf } from './measure.js';

export interface Machine {
  date: string;
  node: string;
  redis: string;
  cores: number;
  processor: string;
  seconds: number;
}

export interface Report {
  machine: Machine;
  rows: (Row & { ratios: number[]; ratio: number | undefined; met: boolean | undefined })[];
  curves: Curves;
  costs?: Costs | undefined;
}

export function reportOf(
  rows: Row[],
  { curves, costs }: Pick<Report, 'curves' | 'costs'>,
  redis: string,
  seconds: number,
): Report {
  const machine = {
    date: new Date().toISOString(),
    node: process.versions.node,
    redis,
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    seconds: Math.round(seconds),
  };
  const judged = rows.map((row) => {
    const ratios = ratiosOf(row);
    return { ...row, ratios, ratio: ratios.length > 0 ? median(ratios) : undefined, met: isMet(row) };
  });
  return { machine, rows: judged, curves, costs };
}

export function writeReport(report: Report, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(report, undefined, 2)}\n`);
}

export const machineLine = ({ node, redis, cores, processor, date, seconds }: Machine): string =>
  `Node ${node}, Redis ${redis}, ${cores} cores (${processor}), ${date.slice(0, 10)}, ${seconds} s in all.`;
