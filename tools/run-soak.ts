// Runs test/soak with mocha; an empty folder is a run of nothing, which mocha itself would call an error.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'test/soak');
const files = existsSync(folder)
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'))
  : [];

if (files.length === 0) {
  console.log('test/soak holds no *.test.ts file: nothing to run');
} else {
  const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
  const run = spawnSync(process.execPath, [mocha, 'test/soak/**/*.test.ts', ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  });
  if (run.error) throw run.error;
  process.exitCode = run.status ?? 1;
}
