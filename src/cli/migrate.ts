/** `redis-tokens migrate`: moves what redis-tokens 0.0 stored into this deployment. */
import { Migration, type MoveSummary, type Moves } from '../migration/migration.js';
import { LEFT_BEHIND, type LeftBehind } from '../migration/mover.js';
import { checkConnection } from '../redis/check-connection.js';
import { type Settings, tokenOptions } from '../service/settings.js';
import { stopSignal } from '../service/stop-signal.js';
import { readTls, secured } from '../service/tls-files.js';
import { durationProblem } from '../tokens/fields.js';
import { DONE, FAILED, NOT_FOUND } from './exit-status.js';
import { readDuration } from './fields.js';
import { type Output, properties } from './output.js';
import { Progress } from './progress.js';
import { UsageError } from './usage-error.js';

export interface MigrateOptions {
  /** Where redis-tokens 0.0 keeps its tokens. */
  from: string;
  dryRun?: boolean | undefined;
  delete?: boolean | undefined;
  /** Of tokens that never expire. */
  duration?: string | undefined;
}

/** @returns the exit status. */
export async function runMigrate(
  { from, dryRun = false, delete: remove = false, duration }: MigrateOptions,
  settings: Settings,
  output: Output,
): Promise<number> {
  checkFrom(from);
  const old = secured(from, readTls({ ...settings }));
  const migration = new Migration(old, settings.connection, tokenOptions(settings));
  const progress = new Progress(output, 'keys');
  try {
    const summary = await migration.run({
      ...{ dryRun, remove },
      duration: durationOf(duration),
      signal: stopSignal(),
      onProgress: (done, looked, keys) => progress.at(looked, keys, shortly(done)),
    });
    progress.end();
    output.result(summary, () => describe(summary));
    if (!summary.complete) {
      output.note('stopped: run it again for the rest');
      return FAILED;
    }
    return LOOK_AT.some((reason) => summary.leftBehind[reason]) ? NOT_FOUND : DONE;
  } finally {
    progress.end();
    await migration.close();
  }
}

/** What was left behind and will be the next time: somebody is to know. The rest is dead. */
const LOOK_AT = (Object.keys(LEFT_BEHIND) as LeftBehind[]).filter(
  (reason) => reason !== 'expired' && reason !== 'revoked',
);

function checkFrom(from: string): void {
  try {
    checkConnection(from);
  } catch (error) {
    throw new UsageError(`--from: ${(error as Error).message.replace('connection: ', '')}`);
  }
}

function durationOf(duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const seconds = readDuration(duration);
  const problem = durationProblem(seconds);
  if (problem !== undefined) throw new UsageError(`--duration ${problem}`);
  return seconds as number;
}

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);

const shortly = ({ moved, present, leftBehind }: Readonly<Moves>): string =>
  `${moved} moved, ${present} there already, ${sum(Object.values(leftBehind))} left behind`;

function describe({ dryRun, found, moved, present, removed, leftBehind, milliseconds }: MoveSummary): string {
  const left = Object.entries(leftBehind) as [LeftBehind, number][];
  const seconds = milliseconds / 1_000;
  return [
    properties([
      ['found', seconds < 1 ? String(found) : `${found} (${Math.round(found / seconds)} a second)`],
      [dryRun ? 'to move' : 'moved', String(moved)],
      ['there already', String(present)],
      ['old ones removed', String(removed)],
      ['left behind', String(sum(Object.values(leftBehind)))],
      ...left.map(([reason, count]) => [`  ${reason}`, `${count} (${LEFT_BEHIND[reason]})`]),
    ]),
    ...(dryRun ? ['', 'nothing was written'] : []),
  ].join('\n');
}
