// `npm run docs:api`: the API reference in docs/api, from the docstrings.
//
//   npm run docs:api              writes it
//   npm run docs:api -- --check   fails where it is out of step, or where something public has no docstring
//
// TypeDoc needs a TypeScript that can be called from JavaScript: it has a folder, and dependencies, of its own.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const home = join(import.meta.dirname, 'reference');
const committed = join(root, 'docs/api');

if (!existsSync(join(home, 'node_modules'))) {
  execFileSync('npm', ['ci', '--prefix', home], { stdio: 'inherit' });
}
const folder = mkdtempSync(join(root, '.reference-')); // what lies in node_modules is none of our own to TypeDoc;
try {
  const made = join(folder, 'api');
  make(made);
  if (!process.argv.includes('--check')) {
    rmSync(committed, { recursive: true, force: true });
    cpSync(made, committed, { recursive: true });
  } else if (JSON.stringify(pages(made)) !== JSON.stringify(pages(committed))) {
    console.error('docs/api is out of step with the docstrings: npm run docs:api');
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function make(to: string): void {
  const src = join(folder, 'src');
  cpSync(join(root, 'src'), src, { recursive: true });
  for (const file of filesOf(src, '.ts')) {
    writeFileSync(join(src, file), withErrorsNamed(readFileSync(join(src, file), 'utf8')));
  }
  const config = {
    extends: join(root, 'tsconfig.build.json'),
    compilerOptions: { rootDir: '.' },
    include: ['src'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const entries = ['src/index.ts', 'src/memory/index.ts', 'src/telemetry/index.ts'].flatMap((file) => [
    '--entryPoints',
    join(folder, file),
  ]);
  const options = [
    '--options',
    join(home, 'typedoc.json'),
    '--tsconfig',
    join(folder, 'tsconfig.json'),
    '--out',
    to,
  ];
  execFileSync(join(home, 'node_modules/.bin/typedoc'), [...options, ...entries], {
    cwd: home,
    stdio: 'inherit',
  });
}

/** TypeDoc drops the name of the error in `@throws {Name}`: it is told as text. */
function withErrorsNamed(source: string): string {
  return source.replaceAll(/@throws ((?:\{\w+\},? ?)+)/g, (_, names: string) => {
    const all = [...names.matchAll(/\w+/g)].map(([name]) => `\`${name}\``);
    return `@throws ${all.join(', ')} `;
  });
}

function filesOf(dir: string, end: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(end))
    .sort();
}

function pages(dir: string): [string, string][] {
  return filesOf(dir, '.md').map((file) => [file, readFileSync(join(dir, file), 'utf8')]);
}
