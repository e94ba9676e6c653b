// An example as the program that it is, from its own folder.
import { join } from 'node:path';
import { type Program, start } from '../acceptance/processes.js';
import { root } from '../support/sources.js';

export const startExample = (name: string, env: Record<string, string>): Program =>
  start(['--import', 'tsx', join(root, 'examples', `${name}.ts`)], env);
