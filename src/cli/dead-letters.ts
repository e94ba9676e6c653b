/** `redis-tokens dead-letters`: jobs that failed for good, to be looked at, run again or dropped. */
import type { DeadLetter, DeadLetters } from '../queue/dead-letters.js';
import { LANES, type Lane } from '../queue/lanes.js';
import { addressesOf } from '../queue/wire.js';
import { printable } from '../service/printable.js';
import type { Settings } from '../service/settings.js';
import { tokenOptions } from '../service/settings.js';
import { ValidationError } from '../tokens/errors.js';
import { BAD_INPUT, DONE, FAILED, NOT_FOUND } from './exit-status.js';
import { readLimit } from './fields.js';
import { type Output, paint, properties, table, time } from './output.js';
import { Progress } from './progress.js';
import { UsageError } from './usage-error.js';

export interface DeadLetterOptions {
  /** Both where left out. */
  lane?: Lane | undefined;
  /** How many to list. */
  limit?: string | undefined;
  /** Every one there is, in place of job ids. */
  all?: boolean | undefined;
}

export type DeadLetterAction = 'list' | 'show' | 'retry' | 'drop';

/** @returns the exit status. */
export async function runDeadLetters(
  action: DeadLetterAction,
  jobIds: readonly string[],
  options: DeadLetterOptions,
  settings: Settings,
  output: Output,
): Promise<number> {
  if ((action === 'retry' || action === 'drop') && jobIds.length > 0 === (options.all === true)) {
    throw new UsageError('give the ids of jobs, or --all, and not both');
  }
  const { DeadLetters } = await import('../queue/dead-letters.js'); // BullMQ takes as long to load as all else
  const letters = new DeadLetters(settings.connection, tokenOptions(settings));
  try {
    await letters.ready();
    const lanes = options.lane === undefined ? LANES : [options.lane];
    if (action === 'list')
      return await list(letters, lanes, readLimit(options.limit) ?? DEFAULT_LIMIT, output);
    if (action === 'show') return await show(letters, lanes, jobIds[0] as string, output);
    return await act(action, letters, lanes, options.all ? undefined : jobIds, output);
  } finally {
    await letters.close();
  }
}

const DEFAULT_LIMIT = 50;

async function list(
  letters: DeadLetters,
  lanes: readonly Lane[],
  limit: number,
  output: Output,
): Promise<number> {
  const found: DeadLetter[] = [];
  let total = 0;
  for (const lane of lanes) {
    total += await letters.count(lane);
    let left = limit;
    for await (const letter of letters.of(lane)) {
      if (left-- === 0) break;
      found.push(letter);
    }
  }
  found.sort((a, b) => b.failedAt - a.failedAt).splice(limit);
  output.result(found.map(summary), () => listed(found));
  if (total > found.length) output.note(`${found.length} of ${total}; --limit shows more`);
  return DONE;
}

async function show(
  letters: DeadLetters,
  lanes: readonly Lane[],
  jobId: string,
  output: Output,
): Promise<number> {
  const found = await Promise.all(lanes.map((lane) => letters.find(lane, jobId)));
  const there = found.filter((letter) => letter !== undefined);
  if (there.length === 0) return notFound(jobId, output);
  // An id may stand on both queues.
  output.result(there.length > 1 ? there : there[0], () => there.map(describe).join('\n\n'));
  return DONE;
}

/** @param jobIds every dead letter where left out. */
async function act(
  action: 'retry' | 'drop',
  letters: DeadLetters,
  lanes: readonly Lane[],
  jobIds: readonly string[] | undefined,
  output: Output,
): Promise<number> {
  // Those of now: one that is run again and fails anew is not taken a second time.
  const targets = jobIds ? product(lanes, jobIds) : await all(letters, lanes);
  const done: Target[] = [];
  const missing = new Set(jobIds);
  let status = DONE;
  const progress = new Progress(output, 'jobs');
  for (const [i, target] of targets.entries()) {
    progress.at(i, targets.length);
    try {
      if (!(await letters[action](target.lane, target.jobId))) continue;
      done.push(target);
    } catch (error) {
      progress.end();
      if (!(error instanceof ValidationError)) throw error;
      output.note(`no worker can read ${printable(target.jobId)}: ${printable(error.message)}`);
      status = BAD_INPUT;
    }
    missing.delete(target.jobId);
  }
  progress.end();
  for (const jobId of missing) status = notFound(jobId, output);
  output.result(done, () => `${action === 'retry' ? 'enqueued again' : 'dropped'}: ${done.length}`);
  return status !== DONE && done.length > 0 ? FAILED : status;
}

interface Target {
  lane: Lane;
  jobId: string;
}

const product = (lanes: readonly Lane[], jobIds: readonly string[]): Target[] =>
  jobIds.flatMap((jobId) => lanes.map((lane) => ({ lane, jobId })));

async function all(letters: DeadLetters, lanes: readonly Lane[]): Promise<Target[]> {
  const targets: Target[] = [];
  for (const lane of lanes) {
    for await (const { jobId } of letters.of(lane)) targets.push({ lane, jobId });
  }
  return targets;
}

function notFound(jobId: string, output: Output): number {
  output.note(`not found: ${printable(jobId)} is no dead letter`);
  return NOT_FOUND;
}

interface Summary {
  lane: Lane;
  jobId: string;
  failedAt: number;
  attempts: number;
  reason: string;
  /** How many commands of each operation. */
  operations: Record<string, number>;
}

function summary({ lane, jobId, failedAt, attempts, reason, data }: DeadLetter): Summary {
  const operations: Record<string, number> = {};
  const { commands } = addressesOf(data, '');
  for (const { op } of commands) operations[op] = (operations[op] ?? 0) + 1;
  return { lane, jobId, failedAt, attempts, reason, operations };
}

function listed(letters: readonly DeadLetter[]): string {
  if (letters.length === 0) return 'no dead letters';
  const rows = letters
    .map(summary)
    .map(({ lane, jobId, failedAt, attempts, reason, operations }) => [
      lane,
      printable(jobId),
      time(failedAt),
      String(attempts),
      printable(shownOperations(operations)),
      paint('red', printable(reason)),
    ]);
  return table(['LANE', 'JOB', 'FAILED', 'ATTEMPTS', 'COMMANDS', 'REASON'], rows);
}

const shownOperations = (operations: Record<string, number>): string =>
  Object.entries(operations)
    .map(([op, count]) => (count === 1 ? op : `${op} ×${count}`))
    .join(', ') || 'none that can be read';

function describe(letter: DeadLetter): string {
  const { lane, jobId, enqueuedAt, failedAt, attempts, reason, data, results } = letter;
  return [
    properties([
      ['lane', lane],
      ['job', printable(jobId)],
      ['enqueued', time(enqueuedAt)],
      ['failed', time(failedAt)],
      ['attempts', String(attempts)],
      ['reason', paint('red', printable(reason))],
    ]),
    '',
    paint('bold', 'job'),
    printableJson(data),
    '',
    paint('bold', 'results'),
    results === undefined ? 'not told yet' : printableJson(results),
  ].join('\n');
}

/** Line by line: a line break is a part of it only where it lays it out. */
const printableJson = (value: unknown): string =>
  (JSON.stringify(value, null, 2) ?? 'nothing').split('\n').map(printable).join('\n');
