// Writes what came of a run into the documents, so that no figure is typed by hand.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartOf } from './chart.js';
import { DIFFERENCES } from './differences.js';
import { machineLine, type Report, writeReport } from './report.js';
import { tableOf } from './table.js';

const DOCS = join(import.meta.dirname, '..', 'docs');
const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

export function publish(report: Report): void {
  const path = join(DOCS, 'performance.md');
  const text = readFileSync(path, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for the table`);
  const told = `${BEGIN}\n${tableOf(report.rows)}\n\n${machineLine(report.machine)}\n\n${DIFFERENCES}\n`;
  writeFileSync(path, text.slice(0, begin) + told + text.slice(end));
  writeFileSync(join(DOCS, 'performance.svg'), chartOf(report.curves));
  writeReport(report, join(import.meta.dirname, 'results', 'published.json'));
}
