// The rows as a table in Markdown, its columns in line, so that it reads well in a terminal too.
import { isMet, judgedOf, median, type Row, ratiosOf, type Target } from './measure.js';

const HEAD = ['row', 'ours', 'peer', 'ratio', 'spread', 'target', 'met'];

/** Columns of figures. */
const RIGHT = new Set([1, 2, 3]);

export function tableOf(rows: readonly Row[]): string {
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => (row[column] as string).length)));
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => pad(cell, widths[column] as number, RIGHT.has(column))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => '-'.repeat(width + 1) + (RIGHT.has(column) ? ':' : '-')).join('|')}|`;
  const [head, ...body] = cells.map(line);
  return [head, rule, ...body].join('\n');
}

function cellsOf(row: Row): string[] {
  const unit = row.unit.startsWith('/') || row.unit === '' ? row.unit : ` ${row.unit}`;
  const figure = (of: number[]) => `${shown(median(of))}${unit}`;
  const name = row.against ? `${row.name}; against ${row.against}` : row.name;
  if (row.ours.length === 0) return [name, 'not available', '', '', '', targetOf(row.target), ''];
  const hasPeer = row.peer.length > 0;
  const judged = judgedOf(row);
  return [
    name,
    figure(row.ours),
    hasPeer ? figure(row.peer) : '',
    hasPeer ? shown(median(ratiosOf(row))) : '',
    `${shown(Math.min(...judged))}–${shown(Math.max(...judged))}`,
    targetOf(row.target),
    { true: 'yes', false: 'no', undefined: '' }[String(isMet(row))] as string,
  ];
}

function targetOf(target: Target | undefined): string {
  if (!target) return '';
  return 'least' in target ? `≥ ${shown(target.least)}` : `≤ ${shown(target.most)}`;
}

/** Three digits that count, or all of a whole number. */
export function shown(figure: number): string {
  if (figure >= 100) return Math.round(figure).toLocaleString('en');
  return figure.toFixed(figure >= 10 ? 1 : 2);
}

const pad = (cell: string, width: number, right: boolean): string =>
  right ? cell.padStart(width) : cell.padEnd(width);
