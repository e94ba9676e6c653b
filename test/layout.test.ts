// The rules that keep the code in shape: imports point one way, and what documents name exists.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { expect } from 'chai';
import { isInStep } from '../tools/compile-lua.js';
import { type Import, importsOf, root, sourceFiles } from './support/sources.js';

/** From the outside in: a part may import itself and whatever stands below it. */
const LAYERS = [
  'index',
  'cli',
  'service',
  'container',
  'redis-tokens',
  'telemetry',
  'queue',
  'events',
  'memory',
  'migration',
  'redis',
  'tokens',
];

const SPEAKS_REDIS = ['queue', 'events', 'migration', 'redis'];
const NAMES_REDIS_TYPES = ['index', 'container', 'redis-tokens'];

/** What src/tokens may import besides itself: nothing that reads, writes, or waits for anybody (zlib has CRC-32). */
const PURE = [
  'class-validator',
  'reflect-metadata',
  'node:crypto',
  'node:util',
  'node:perf_hooks',
  'node:zlib',
];

/** `redis/keys.ts` is of the layer `redis`, `container.ts` of the layer `container`. */
function layerOf(file: string): string {
  return (file.split('/')[0] ?? '').replace(/\.ts$/, '');
}

function packageOf(specifier: string): string {
  if (isBuiltin(specifier)) return `node:${specifier.replace(/^node:/, '')}`;
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

const shown = ({ file, line, from }: Import) => `src/${file}:${line} imports '${from}'`;

describe('layout', () => {
  const imports = sourceFiles().flatMap((file) => importsOf(file));
  const local = imports.filter(({ from }) => from.startsWith('.'));
  const external = imports.filter(({ from }) => !from.startsWith('.'));

  it('has every source file in a layer', () => {
    expect(sourceFiles().filter((file) => !LAYERS.includes(layerOf(file)))).deep.equal([]);
  });

  it('imports down the list of layers only', () => {
    const wrong = local.filter(({ file, from }) => {
      const target = posix.join(posix.dirname(file), from);
      const [here, there] = [
        LAYERS.indexOf(layerOf(file)),
        LAYERS.indexOf(layerOf(target.replace(/\.js$/, '.ts'))),
      ];
      return there < here;
    });
    expect(wrong.map(shown)).deep.equal([]);
  });

  it('leaves ioredis to the parts that talk to Redis', () => {
    const wrong = external.filter(({ file, from, typesOnly }) => {
      if (packageOf(from) !== 'ioredis') return false;
      const layer = layerOf(file);
      return !SPEAKS_REDIS.includes(layer) && !(typesOnly && NAMES_REDIS_TYPES.includes(layer));
    });
    expect(wrong.map(shown)).deep.equal([]);
  });

  it('keeps I/O out of src/tokens', () => {
    const wrong = external.filter(
      ({ file, from }) => layerOf(file) === 'tokens' && !PURE.includes(packageOf(from)),
    );
    expect(wrong.map(shown)).deep.equal([]);
  });

  it('imports none of its own files for an effect, which "sideEffects" in package.json denies', () => {
    expect(local.filter(({ bare }) => bare).map(shown)).deep.equal([]);
  });

  it('imports only packages that its users get', () => {
    const { dependencies, peerDependencies } = manifest();
    const installed = { ...dependencies, ...peerDependencies };
    const wrong = external.filter(({ from }) => !isBuiltin(from) && !(packageOf(from) in installed));
    expect(wrong.map(shown)).deep.equal([]);
  });

  it('has the compiled Lua scripts in step with their sources', () => {
    expect(isInStep(), 'run npm run build:lua').equal(true);
  });
});

describe('documents', () => {
  for (const document of documents()) {
    describe(document, () => {
      const text = readFileSync(join(root, document), 'utf8');

      it('names paths that exist', () => {
        expect(pathsIn(text, document).filter((path) => !existsSync(join(root, path)))).deep.equal([]);
      });

      it('names tests that exist', () => {
        const unknown = testsIn(text).filter(
          ({ path, title }) => !readFileSync(join(root, path), 'utf8').includes(title),
        );
        expect(unknown).deep.equal([]);
      });

      it('names npm scripts that exist', () => {
        const { scripts } = manifest();
        const named = [...text.matchAll(/\bnpm (?:run(?:-script)? ([\w:-]+)|(test|start)\b)/g)];
        const unknown = named
          .map(([, run, short]) => run ?? short ?? '')
          .filter((name) => !(name in scripts));
        expect(unknown).deep.equal([]);
      });
    });
  }
});

function documents(): string[] {
  const docs = existsSync(join(root, 'docs')) ? readdirSync(join(root, 'docs')) : [];
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs.map((file) => `docs/${file}`)].filter(
    (file) => file.endsWith('.md') && existsSync(join(root, file)),
  );
}

function manifest() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
  };
}

/** Each “title”, and the test file that was named last before it. */
function testsIn(text: string): { path: string; title: string }[] {
  let path = '';
  return [...text.matchAll(/`(test\/[\w/.-]+\.ts)`|“([^”]+)”/g)].flatMap(([, file, title]) => {
    path = file ?? path;
    return title !== undefined && path !== '' ? [{ path, title: title.replaceAll(/\s+/g, ' ') }] : [];
  });
}

/** Paths of this repository: the targets of relative links, and whatever begins with one of its folders. */
function pathsIn(text: string, document: string): string[] {
  const links = [...text.matchAll(/\]\((?![a-z]+:|#)([^)\s#]+)[^)]*\)/g)].map(([, link = '']) =>
    posix.join(dirname(document), link),
  );
  const mentions = [
    ...text.matchAll(/(?<![\w./@-])(?:src|test|tools|docs|config|benchmarks|\.ci)\/[\w./-]*\w/g),
  ].map(([path]) => path);
  return [...new Set([...links, ...mentions])];
}
