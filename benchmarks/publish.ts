// Writes what came of a run into the documents, so that no figure is typed by hand.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartOf } from './chart.js';
import { DIFFERENCES } from './differences.js';
import { machineLine, type Report, writeReport } from './report.js';
import { planTable } from './scaling.js';
import { tableOf } from './table.js';

const DOCS = join(import.meta.dirname, '..', 'docs');
const RESULTS = join(import.meta.dirname, 'results');

export function publish(report: Report): void {
  const { rows, machine, curves, costs } = report;
  const measured = `${tableOf(rows)}\n\n${machineLine(machine)}`;
  if (costs) {
    tell('scaling.md', 'bench', measured);
    tell('scaling.md', 'plan', planTable(costs));
    writeReport(report, join(RESULTS, 'published-capacity.json'));
    return;
  }
  tell('performance.md', 'bench', `${measured}\n\n${DIFFERENCES}`);
  writeFileSync(join(DOCS, 'performance.svg'), chartOf(curves));
  writeReport(report, join(RESULTS, 'published.json'));
}

/** Between the marks of that name in the document. */
function tell(file: string, name: string, what: string): void {
  const path = join(DOCS, file);
  const text = readFileSync(path, 'utf8');
  const [first, last] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [begin, end] = [text.indexOf(first), text.indexOf(last)];
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for what it is to tell`);
  writeFileSync(path, `${text.slice(0, begin)}${first}\n${what}\n${text.slice(end)}`);
}
