// `npm run build:page`: the console's page, its scripts compiled and its other files beside them.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const from = join(root, 'src/service/console/page');
const to = join(root, 'dist/service/console/page');

/** Compiles it into dist, whatever else is there. */
export function buildPage(): void {
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', from], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const others = readdirSync(from).filter((name) => /\.(html|css|svg)$/.test(name));
  for (const name of others) copyFileSync(join(from, name), join(to, name));
}

if (process.argv[1] === import.meta.filename) buildPage();
