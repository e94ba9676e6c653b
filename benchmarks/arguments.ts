// The command line: which rows, how much of them, and whether the documents are to tell what came of it.
import { parseArgs } from 'node:util';
import { APART, GROUPS } from './rows/index.js';

export interface Arguments {
  groups: string[];
  quick: boolean;
  publish: boolean;
}

export const USAGE = `npm run bench                     all rows, some seven minutes on two cores
npm run bench -- --only get       one group of: ${Object.keys(GROUPS).join(', ')} (or more: --only get,cache)
npm run bench -- --only ${[...APART].join(',')}  what is not among all of them, some fifteen minutes
npm run bench -- --quick          as little as shows that all rows still run; the figures say nothing
npm run bench -- --publish        writes what came of it into docs/, too`;

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
  const isApart = only.length === 1 && APART.has(only[0] as string);
  if (values.publish && ((only.length > 0 && !isApart) || values.quick)) {
    throw new Error('--publish takes all rows of one whole run');
  }
  const isAsked = (name: string) =>
    only.length === 0 ? values.quick || !APART.has(name) : only.includes(name);
  return {
    groups: Object.keys(GROUPS).filter(isAsked),
    quick: values.quick,
    publish: values.publish,
  };
}
