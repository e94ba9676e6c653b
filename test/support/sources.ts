// Reads src as text: which file imports what. Enough for the layout test, which needs no types.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Import {
  /** Path below src, such as `redis/keys.ts`. */
  readonly file: string;
  readonly line: number;
  /** What stands between the quotes. */
  readonly from: string;
  /** `import type` or `export type`: nothing of it is left at run time. */
  readonly typesOnly: boolean;
  /** `import './x.js'`, which names nothing. */
  readonly bare: boolean;
}

export function sourceFiles(): string[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
}

// Statements begin a line, as the formatter leaves them; `import(…)` may stand anywhere.
const STATEMENT = /^(?:import|export)(\s+type)?\s+(?:[^'";=]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'/g;

export function importsOf(file: string, text = readFileSync(join(root, 'src', file), 'utf8')): Import[] {
  const lineOf = (index: number) => text.slice(0, index).split('\n').length;
  const found: Import[] = [];
  for (const match of text.matchAll(STATEMENT)) {
    const [statement, type, from = ''] = match;
    found.push({
      file,
      line: lineOf(match.index),
      from,
      typesOnly: type !== undefined || namesOnlyTypes(statement),
      bare: !/\sfrom\s/.test(statement),
    });
  }
  for (const match of text.matchAll(DYNAMIC)) {
    found.push({ file, line: lineOf(match.index), from: match[1] ?? '', typesOnly: false, bare: false });
  }
  return found;
}

/** `import { type A, type B } from`: every name is a type. */
function namesOnlyTypes(statement: string): boolean {
  const names = /^(?:import|export)\s*\{([^}]*)\}/
    .exec(statement)?.[1]
    ?.split(',')
    .map((name) => name.trim());
  return names?.every((name) => name === '' || name.startsWith('type ')) ?? false;
}
