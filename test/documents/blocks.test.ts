// Every block of code in the documents is what it claims to be: it runs, or it fits the library’s types or its command.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { expect } from 'chai';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.js';
import { killPrograms, start } from '../acceptance/processes.js';
import { sharedRedis } from '../support/redis.js';
import { root } from '../support/sources.js';
import { type Block, blocksOf, DOCUMENTS } from './blocks.js';

const TYPESCRIPT: ReadonlySet<string> = new Set(['typescript']);
const CHECKED: ReadonlySet<string> = new Set([...TYPESCRIPT, 'js', 'json', 'sh']);

/** What is drawn, or shown as it is printed. */
const UNCHECKED: ReadonlySet<string> = new Set(['mermaid', 'text']);

const blocks = DOCUMENTS.flatMap(blocksOf);
const of = (languages: ReadonlySet<string>): Block[] =>
  blocks.filter(({ language }) => languages.has(language));
const placeOf = ({ document, line }: Block): string => `${document}:${line}`;

describe('the code in the documents', function () {
  this.timeout(60_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(root, 'node_modules/.documents-'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  });
  after(() => {
    killPrograms();
    rmSync(folder, { recursive: true });
  });

  it('is in a language that is looked at', () => {
    const unknown = blocks.filter(({ language }) => !CHECKED.has(language) && !UNCHECKED.has(language));
    expect(unknown.map(placeOf)).deep.equal([]);
  });

  it('fits the types of the library', () => {
    const names = new Map(of(TYPESCRIPT).map((block, i) => [`block-${i}.ts`, block]));
    // At the lines that it has in its document, so that an error tells where.
    for (const [name, { code, line }] of names) {
      writeFileSync(join(folder, name), `${'\n'.repeat(line - 1)}${code}\nexport {};\n`);
    }
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { rootDir: root, noUnusedLocals: false, skipLibCheck: true },
      files: [...names.keys(), join(root, 'test/documents/names.d.ts')],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    expect(typeErrorsIn(folder, names)).deep.equal([]);
  });

  it('runs, where it needs nothing else', async () => {
    const { url } = await sharedRedis();
    const alone = of(TYPESCRIPT).filter(
      ({ document, code }) => document !== 'docs/recipes.md' && runsAlone(code),
    );
    expect(alone.map(({ document }) => document)).include('README.md');
    const ends = await Promise.all(
      alone.map(async (block, i) => {
        const file = join(folder, `run-${i}.ts`);
        const code = block.code
          .replaceAll(/redis:\/\/[\w.:]+/g, url)
          .replaceAll("'redis-tokens'", `'${join(root, 'src/index.ts')}'`)
          .replaceAll("'redis-tokens/testing'", `'${join(root, 'src/memory/index.ts')}'`)
          .replaceAll("'redis-tokens/telemetry'", `'${join(root, 'src/telemetry/index.ts')}'`);
        // What it has opened may be open for good, as in an application.
        writeFileSync(file, `${code}\nprocess.exit(0);\n`);
        const { ended, stderr } = start(['--import', 'tsx', file]);
        const { code: status } = await ended;
        return { at: placeOf(block), status, stderr: [...stderr] };
      }),
    );
    for (const end of ends) expect(end).deep.equal({ at: end.at, status: 0, stderr: [] });
  });

  it('gives the command what it takes', () => {
    const commands = of(new Set(['sh'])).flatMap((block) =>
      redisTokensIn(block.code).map((args) => ({ at: placeOf(block), args })),
    );
    expect(commands.length).above(30);
    for (const { at, args } of commands) {
      expect(() => parseOnly().parse(args, { from: 'user' }), `${at}: ${args.join(' ')}`).not.throw();
    }
  });

  it('is JSON, or JavaScript, where it says so', () => {
    for (const block of of(new Set(['json']))) {
      expect(() => JSON.parse(block.code), placeOf(block)).not.throw();
    }
    for (const block of of(new Set(['js']))) expect(() => new Script(block.code), placeOf(block)).not.throw();
  });
});

/** The arguments of each `redis-tokens …` in what a shell is given. */
function redisTokensIn(code: string): string[][] {
  return code.split('\n').flatMap((line) => {
    const [, rest] = /\bredis-tokens (?!ioredis)([^#|)&]*)/.exec(line.replace(/^\s*#.*/, '')) ?? [];
    if (rest === undefined || line.includes('npm ')) return [];
    const words = [...rest.replace(/[<>] *\S+/g, '').matchAll(/'([^']*)'|(\S+)/g)];
    return [words.map(([, quoted, bare = '']) => quoted ?? bare)];
  });
}

/** The command, which does nothing but read its arguments. */
function parseOnly(): Command {
  const program = createProgram();
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    for (const child of command.commands) quiet(child);
  };
  quiet(program);
  return program;
}

/** What it uses it imports or declares, and it does something. */
function runsAlone(code: string): boolean {
  const takesForGranted =
    /\b(?:tokens|producer|subscriber|sessions|token|request|response|close\w*Of|close\w*Sockets?)\b/g;
  const declares = (name: string) =>
    new RegExp(`\\b(?:const|let|function|class) (?:\\{[^}]*\\b)?${name}\\b`).test(code);
  const used = new Set([...code.matchAll(takesForGranted)].map(([name]) => name));
  return /^import .* from 'redis-tokens/m.test(code) && [...used].every(declares);
}

function typeErrorsIn(folder: string, names: ReadonlyMap<string, Block>): string[] {
  try {
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder, '--noEmit', '--pretty', 'false'], {
      encoding: 'utf8',
    });
    return [];
  } catch (error) {
    const { stdout } = error as { stdout: string };
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) =>
        line.replace(/^.*?(block-\d+\.ts)\((\d+)/, (_, name, at) => `${names.get(name)?.document}(${at}`),
      );
  }
}
