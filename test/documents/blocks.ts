// The blocks of code in the documents that users read.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/sources.js';

export interface Block {
  document: string;
  /** Where its code begins. */
  line: number;
  language: string;
  code: string;
}

export const DOCUMENTS: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

export function blocksOf(document: string): Block[] {
  const lines = readFileSync(join(root, document), 'utf8').split('\n');
  const blocks: Block[] = [];
  let open: Block | undefined;
  for (const [i, line] of lines.entries()) {
    if (!line.startsWith('```')) {
      if (open) open.code += `${line}\n`;
    } else if (open) {
      blocks.push(open);
      open = undefined;
    } else {
      open = { document, line: i + 2, language: line.slice(3).trim(), code: '' };
    }
  }
  if (open) throw new Error(`${document}:${open.line} is not closed`);
  return blocks;
}
