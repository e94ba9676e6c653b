// Runs the benchmarks: `npm run bench`, and `npm run bench -- --help`.
import { join } from 'node:path';
import { type Arguments, readArguments, USAGE } from './arguments.js';
import type { Bench } from './bench.js';
import type { Curves } from './curves.js';
import { DIFFERENCES } from './differences.js';
import { secondsSince } from './load.js';
import { isMet, type Row } from './measure.js';
import { FULL, QUICK } from './plan.js';
import { publish } from './publish.js';
import { BenchRedis } from './redis.js';
import { machineLine, reportOf, writeReport } from './report.js';
import { GROUPS } from './rows/index.js';
import { tableOf } from './table.js';

const RESULTS = join(import.meta.dirname, 'results', 'latest.json');

async function run({ groups, quick, publish: published }: Arguments): Promise<void> {
  const begin = process.hrtime.bigint();
  const log = (line: string) =>
    process.stderr.write(`${secondsSince(begin).toFixed(0).padStart(4)} s  ${line}\n`);
  const redis = await BenchRedis.start();
  const rows: Row[] = [];
  const curves: Curves = {};
  const told: Bench['told'] = {};
  try {
    for (const [i, name] of groups.entries()) {
      log(`${i + 1} of ${groups.length}: ${name}`);
      await redis.empty();
      rows.push(...((await GROUPS[name]?.({ redis, plan: quick ? QUICK : FULL, curves, told, log })) ?? []));
    }
    const report = reportOf(rows, { curves, ...told }, await redis.version(), secondsSince(begin));
    writeReport(report, RESULTS);
    if (published) publish(report);
    process.stdout.write(`\n${tableOf(rows)}\n\n${machineLine(report.machine)}\n\n${DIFFERENCES}\n`);
    const missed = rows.filter((row) => isMet(row) === false);
    process.stdout.write(
      `\n${missed.length} of ${rows.filter((row) => row.target).length} targets missed.\n`,
    );
  } finally {
    await redis.close();
  }
}

function readCommandLine(): Arguments | undefined {
  try {
    const args = readArguments(process.argv.slice(2));
    if (args !== 'help') return args;
    process.stdout.write(`${USAGE}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    process.exitCode = 2;
  }
  return undefined;
}

const args = readCommandLine();
if (args) await run(args);
