/** How results look: aligned for people, with colours on a terminal, or JSON. */
import { once } from 'node:events';
import { stripVTControlCharacters, styleText } from 'node:util';
import { printable } from '../service/printable.js';
import type { OwnerCount, TokenRecord } from '../tokens/types.js';

/** Where a command's result and remarks go. */
export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** The result: one JSON document, or what `show` makes of it. */
  result(value: unknown, show: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(value) : show()}\n`);
  }

  /** Resolves when results are taken, where their reader is slower than they come. */
  async taken(stop: AbortSignal): Promise<void> {
    if (!process.stdout.writableNeedDrain) return;
    await once(process.stdout, 'drain', { signal: stop }).catch(() => {}); // nobody reads any more
  }

  /** A remark for whoever watches. */
  note(line: string): void {
    process.stderr.write(`redis-tokens: ${line}\n`);
  }
}

/** One record, a line for each of its properties. */
export function showRecord(record: TokenRecord & { token?: string }): string {
  const { token, id, app, type, owner, version, createdAt, expiresAt, data } = record;
  const { hint, label, idle, lastUsedAt, absoluteExpiresAt } = record;
  return properties([
    ...(token === undefined ? [] : [['token', printable(token)]]),
    ['id', id],
    ['app', printable(app)],
    ['type', printable(type)],
    ['owner', printable(owner)],
    ...(label === undefined ? [] : [['label', printable(label)]]),
    ...(hint === undefined ? [] : [['hint', printable(hint)]]),
    ['version', String(version)],
    ['created', time(createdAt)],
    ['expires', `${time(expiresAt)} (${until(expiresAt)})`],
    ...(idle === undefined ? [] : [['idle', `${idle} s`]]),
    ...(lastUsedAt === undefined ? [] : [['used', time(lastUsedAt)]]),
    ...(absoluteExpiresAt === undefined ? [] : [['at most', `until ${time(absoluteExpiresAt)}`]]),
    ['data', printable(JSON.stringify(data))],
  ]);
}

/** Records of one owner, a line each. */
export function showTable(records: readonly TokenRecord[]): string {
  if (records.length === 0) return 'no tokens';
  // Columns for what none of them has would only be in the way.
  const optional = OPTIONAL_COLUMNS.filter(({ of }) => records.some((record) => of(record) !== ''));
  const rows = records.map((record) => [
    record.id,
    ...optional.map(({ of }) => of(record)),
    String(record.version),
    time(record.createdAt),
    time(record.expiresAt),
    printable(JSON.stringify(record.data)),
  ]);
  const head = ['ID', ...optional.map(({ name }) => name), 'VERSION', 'CREATED', 'EXPIRES', 'DATA'];
  return table(head, rows);
}

const OPTIONAL_COLUMNS: readonly { name: string; of(record: TokenRecord): string }[] = [
  { name: 'LABEL', of: ({ label = '' }) => printable(label) },
  { name: 'HINT', of: ({ hint = '' }) => printable(hint) },
  { name: 'USED', of: ({ lastUsedAt }) => (lastUsedAt === undefined ? '' : time(lastUsedAt)) },
];

/** Owners of a scope, a line each. */
export function showOwners(owners: readonly OwnerCount[]): string {
  if (owners.length === 0) return 'no tokens';
  return table(
    ['TOKENS', 'OWNER'],
    owners.map(({ owner, count }) => [String(count), printable(owner)]),
  );
}

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan' | 'magenta';

/** For standard output: only where that is a terminal, or FORCE_COLOR says so, and neither NO_COLOR nor TERM=dumb is against it. */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** A line for each property, its name first. */
export const properties = (rows: readonly (readonly string[])[]): string =>
  align(rows.map(([name = '', ...values]) => [paint('dim', name), ...values]));

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  align([head.map((name) => paint('bold', name)), ...rows]);

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => widthOf(row[column] ?? ''))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const widthOf = (cell: string): number => stripVTControlCharacters(cell).length;

export const time = (ms: number): string => new Date(ms).toISOString();

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

function until(ms: number): string {
  const seconds = Math.max(0, Math.round((ms - Date.now()) / 1_000));
  const [unit, length] = UNITS.find(([, size]) => seconds >= 2 * size) ?? ['second', 1];
  const count = Math.round(seconds / length);
  return `in ${count} ${unit}${count === 1 ? '' : 's'}`;
}
