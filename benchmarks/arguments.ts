// The command line: which rows, how much of them, and whether the documents are to tell what came of it.
import { parseArgs } from 'node:util';
import { GROUPS } from './rows/index.js';

export interface Arguments {
  groups: string[];
  quick: boolean;
  publish: boolean;
}

export const USAGE = `npm run bench                     all rows, some seven minutes on two cores
npm run bench -- --only get       one group of: ${Object.keys(GROUPS).join(', ')} (or more: --only get,cache)
npm run bench -- --quick          as little as shows that all rows still run; the figures say nothing
npm run bench -- --publish        writes the table and the chart into docs/, too`;

/** @throws {Error} with what is wrong. */
export function readArguments(args: string[]): Arguments | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const only = values.only.flatMap((names) => names.split(','));
  const unknown = only.filter((name) => !(name in GROUPS));
  if (unknown.length > 0) throw new Error(`there is no group ${unknown.join(', ')}`);
  if (values.publish && (only.length > 0 || values.quick)) {
    throw new Error('--publish takes all rows of one whole run');
  }
  return {
    groups: Object.keys(GROUPS).filter((name) => only.length === 0 || only.includes(name)),
    quick: values.quick,
    publish: values.publish,
  };
}
