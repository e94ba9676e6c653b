/** `redis-tokens doctor`: tells what is wrong in a deployment, and repairs it where asked. */
import {
  type Diagnosis,
  LEFT_ALONE,
  type Looked,
  type Problem,
  type Subject,
} from '../redis/doctor/diagnosis.js';
import { Doctor } from '../redis/doctor/doctor.js';
import { printable } from '../service/printable.js';
import type { Settings } from '../service/settings.js';
import { tokenOptions } from '../service/settings.js';
import { stopSignal } from '../service/stop-signal.js';
import { DONE, FAILED, NOT_FOUND } from './exit-status.js';
import { align, type Output } from './output.js';

export interface DoctorOptions {
  /** Repair what can be repaired. */
  fix?: boolean | undefined;
}

/** @returns the exit status. */
export async function runDoctor(
  { fix = false }: DoctorOptions,
  settings: Settings,
  output: Output,
): Promise<number> {
  const progress = new Progress(output);
  const doctor = new Doctor(settings.connection, tokenOptions(settings));
  try {
    const diagnosis = await doctor.examine({
      repair: fix,
      signal: stopSignal(),
      onProgress: (looked, problems) => progress.tell(looked, problems),
    });
    progress.end();
    output.result(diagnosis, () => describe(diagnosis, fix));
    if (!diagnosis.complete) {
      output.note('stopped: the rest was not looked at');
      return FAILED;
    }
    return diagnosis.problems.every(({ count, repaired }) => repaired === count) ? DONE : NOT_FOUND;
  } finally {
    progress.end();
    await doctor.close();
  }
}

/** Milliseconds between two reports of progress: on a terminal, and in a log. */
const OFTEN = 100;
const NOW_AND_THEN = 5_000;

/** On a terminal one line that is written over; else a line now and then, but not beside JSON. */
class Progress {
  readonly #output: Output;
  readonly #terminal = process.stderr.isTTY === true;
  #told = performance.now();
  #shown = false;

  constructor(output: Output) {
    this.#output = output;
  }

  tell(looked: Readonly<Looked>, problems: number): void {
    if (performance.now() - this.#told < (this.#terminal ? OFTEN : NOW_AND_THEN)) return;
    this.#told = performance.now();
    const line = `${looked.records} records, ${looked.members} members of indexes, ${problems} problems`;
    if (this.#terminal) process.stderr.write(`\r\u001b[K${line}`);
    else if (!this.#output.json) this.#output.note(line);
    this.#shown = true;
  }

  /** Leaves a terminal's line empty. */
  end(): void {
    if (this.#terminal && this.#shown) process.stderr.write('\r\u001b[K');
    this.#shown = false;
  }
}

function describe(diagnosis: Diagnosis, fix: boolean): string {
  const { looked, problems } = diagnosis;
  return [
    align([
      ['records', String(looked.records)],
      ["owners' indexes", String(looked.ownerIndexes)],
      ["scopes' indexes", String(looked.scopeIndexes)],
      ['members of indexes', String(looked.members)],
      ...when(looked.overdue, 'overdue members', 'in order: the sweep ends them'),
      ...when(looked.emptyScopes, 'empty scopes', 'in order: the sweep forgets them'),
      ['jobs', String(looked.jobs)],
    ]),
    '',
    ...problems.flatMap((problem) => [...explain(problem, fix), '']),
    verdict(diagnosis, fix),
  ].join('\n');
}

const when = (count: number, what: string, remark: string): string[][] =>
  count === 0 ? [] : [[what, `${count} (${remark})`]];

function explain({ kind, meaning, count, repaired, examples }: Problem, fix: boolean): string[] {
  const state = !fix ? '' : repaired === count ? ', repaired' : `, ${repaired} repaired`;
  const more = count > examples.length ? [`    and ${count - examples.length} more`] : [];
  return [
    `${kind}: ${count}${state}`,
    `  ${meaning}`,
    ...examples.map((example) => `    ${printable(name(example))}`),
    ...more,
  ];
}

function name({ key, field, id, app, type, owner }: Subject): string {
  if (field !== undefined) return `${key} ${field}`;
  if (id === undefined || app === undefined) return key;
  return `${id} app=${app} type=${type} owner=${owner}`;
}

const countOf = (problems: readonly Problem[]): number => problems.reduce((sum, { count }) => sum + count, 0);

function verdict({ complete, problems }: Diagnosis, fix: boolean): string {
  const found = countOf(problems);
  const left = found - problems.reduce((sum, { repaired }) => sum + repaired, 0);
  const leftAlone = countOf(problems.filter(({ kind }) => LEFT_ALONE.has(kind)));
  const sofar = complete ? '' : ' so far';
  if (found === 0) return `nothing is wrong${sofar}`;
  if (left === 0) return `${found} wrong${sofar}, all repaired`;
  if (!fix && leftAlone === found)
    return `${found} wrong${sofar}; none of it is for --fix, but for somebody to look at`;
  if (!fix) return `${found} wrong${sofar}; --fix repairs what can be repaired`;
  return `${found} wrong${sofar}, ${found - left} repaired; the rest is for somebody to look at`;
}
