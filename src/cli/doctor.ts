/** `redis-tokens doctor`: tells what is wrong in a deployment, and repairs it where asked. */
import { type Diagnosis, LEFT_ALONE, type Problem, type Subject } from '../redis/doctor/diagnosis.js';
import { Doctor } from '../redis/doctor/doctor.js';
import { printable } from '../service/printable.js';
import type { Settings } from '../service/settings.js';
import { tokenOptions } from '../service/settings.js';
import { stopSignal } from '../service/stop-signal.js';
import { DONE, FAILED, NOT_FOUND } from './exit-status.js';
import { type Output, paint, properties } from './output.js';
import { Progress } from './progress.js';

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
  const progress = new Progress(output, 'keys');
  const doctor = new Doctor(settings.connection, tokenOptions(settings));
  try {
    const diagnosis = await doctor.examine({
      repair: fix,
      signal: stopSignal(),
      onProgress: (_, problems, { passed, total }) =>
        progress.at(Math.round(passed), total || undefined, `${problems} problems`),
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

function describe(diagnosis: Diagnosis, fix: boolean): string {
  const { looked, problems } = diagnosis;
  return [
    properties([
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
    paint(repaired === count ? 'yellow' : 'red', `${kind}: ${count}${state}`),
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
  if (found === 0) return paint('green', `nothing is wrong${sofar}`);
  if (left === 0) return `${found} wrong${sofar}, all repaired`;
  if (!fix && leftAlone === found)
    return `${found} wrong${sofar}; none of it is for --fix, but for somebody to look at`;
  if (!fix) return `${found} wrong${sofar}; --fix repairs what can be repaired`;
  return `${found} wrong${sofar}, ${found - left} repaired; the rest is for somebody to look at`;
}
