// `npm run check:package`: packs the library, installs it in an empty project, and uses it as its users will.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules/.bin', name);
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const PUBLISHED =
  /^(?:dist\/|config\/|docs\/|(?:README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE|package\.json)$)/;
const REQUIRED = ['LICENSE', 'README.md', 'CHANGELOG.md', ...entryFiles()];

// An ESM-only package can be required from CommonJS since Node 20.19, which `engines` asks for, but not typed so under
// `module: node16`, where TypeScript believes that it can not; `nodenext` knows.
const ESM_USE = `
import { RedisTokens, TokenProducer, TokenSubscriber, TokenWorker, TokenError } from 'redis-tokens';
import { MemoryTokens } from 'redis-tokens/testing';
`;
const CJS_USE = `
const { RedisTokens, TokenProducer, TokenSubscriber, TokenWorker, TokenError } = require('redis-tokens');
const { MemoryTokens } = require('redis-tokens/testing');
`;
const CHECK_CLASSES = `
for (const [name, value] of Object.entries({ RedisTokens, TokenProducer, TokenSubscriber, TokenWorker, TokenError, MemoryTokens })) {
  if (typeof value !== 'function') throw new Error(name + ' is not exported');
}
const tokens = new MemoryTokens();
tokens.create({ app: 'shop', type: 'session', owner: 'ann', data: { cart: 1 }, duration: 60 })
  .then((made) => tokens.get({ app: 'shop', type: 'session', token: made.token }))
  .then((found) => { if (found.data.cart !== 1) throw new Error('a token that was made is not found'); })
  .finally(() => tokens.close());
`;
const TYPED_USE = `
const tokens: RedisTokens = new RedisTokens('redis://localhost:6379', { telemetry: openTelemetry() });
export const made: Promise<Token<{ cart: number }>> = tokens.create({ app: 'shop', type: 'session', owner: 'ann', data: { cart: 1 }, duration: 60 });
export const memory: TokenOperations = new MemoryTokens();
// @ts-expect-error a duration is needed
tokens.create({ app: 'shop', type: 'session', owner: 'ann' });
`;
const TYPED_IMPORTS = `
import { RedisTokens, type Token, type TokenOperations } from 'redis-tokens';
import { MemoryTokens } from 'redis-tokens/testing';
import { openTelemetry } from 'redis-tokens/telemetry';
`;

const folder = mkdtempSync(join(tmpdir(), 'redis-tokens-package-'));
try {
  check();
  console.log('The package is fine.');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function check(): void {
  step('build and pack');
  run('npm', ['run', '--silent', 'build'], root);
  // Scripts are off because `prepare` would only build once more.
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root);
  const [tarball] = JSON.parse(packed) as { filename: string; files: { path: string }[] }[];
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  const archive = join(folder, tarball.filename);
  checkFiles(tarball.files.map(({ path }) => path));

  step('publint');
  run(bin('publint'), ['run', archive, '--strict'], root);
  step('are the types wrong?');
  run(bin('attw'), [archive, '--profile', 'esm-only'], root);

  step('install in an empty project');
  const project = join(folder, 'project');
  mkdirSync(project);
  write(project, 'package.json', JSON.stringify({ name: 'consumer', private: true }));
  const ioredis = `ioredis@${manifest.peerDependencies.ioredis}`;
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', archive, ioredis], project);

  step('use it from ESM');
  write(project, 'use.mjs', ESM_USE + CHECK_CLASSES);
  run(process.execPath, ['use.mjs'], project);
  step('use it from CommonJS');
  write(project, 'use.cjs', CJS_USE + CHECK_CLASSES);
  run(process.execPath, ['use.cjs'], project);
  step('run its command');
  run(process.execPath, [join(project, 'node_modules/.bin', 'redis-tokens'), '--version'], project);

  step('type-check an ESM and a CommonJS consumer');
  write(project, 'typed.mts', TYPED_IMPORTS + TYPED_USE);
  write(project, 'typed.cts', TYPED_IMPORTS + TYPED_USE);
  checkTypes(project);
}

function checkFiles(files: string[]): void {
  console.log(files.map((file) => `  ${file}`).join('\n'));
  const stray = files.filter((file) => !PUBLISHED.test(file) || file.endsWith('.map'));
  if (stray.length > 0) throw new Error(`these do not belong in the package: ${stray.join(', ')}`);
  const missing = REQUIRED.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`these are missing from the package: ${missing.join(', ')}`);
}

/** What `exports` and `bin` point to. */
function entryFiles(): string[] {
  const conditions = Object.values(manifest.exports as Record<string, Record<string, string>>);
  const targets = [
    ...conditions.flatMap((entry) => Object.values(entry)),
    ...Object.values(manifest.bin as object),
  ];
  return targets.map((target) => String(target).replace(/^\.\//, ''));
}

function checkTypes(project: string): void {
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    // Other packages' declarations are not ours to check; ours are, by their use here and by our own build.
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  };
  write(project, 'tsconfig.json', JSON.stringify({ compilerOptions, files: ['typed.mts', 'typed.cts'] }));
  run(bin('tsc'), ['-p', '.'], project);
}

function step(name: string): void {
  console.log(`- ${name}`);
}

function write(project: string, file: string, text: string): void {
  writeFileSync(join(project, file), text);
}

function run(command: string, args: string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    console.error(`${command} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`);
    throw error;
  }
}
