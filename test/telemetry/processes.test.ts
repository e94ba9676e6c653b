// Tracing across processes, and what a process pays that asks for none.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openTelemetry } from '../../src/telemetry/index.js';
import { killPrograms, start } from '../acceptance/processes.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { eventually } from '../support/eventually.js';
import { root } from '../support/sources.js';
import { calling, Spans, type ToldSpan, treeOf } from './spans.js';

describe('Tracing, in processes of their own:', () => {
  const stage = new Stage();
  const spans = new Spans();
  let bare: string;
  before(() => {
    spans.open();
    bare = withoutOpenTelemetry();
  });
  after(async () => {
    await spans.close();
    rmSync(bare, { recursive: true });
  });
  afterEach(killPrograms);

  const env = (telemetry: 'on' | 'off') => ({
    ...{ REDIS_URL: stage.url, REDIS_TOKENS_PREFIX: stage.prefix, REDIS_TOKENS_TELEMETRY: telemetry },
    ...{ REDIS_TOKENS_HTTP_PORT: 'off', REDIS_TOKENS_LOG: 'json' },
  });

  it('one trace goes from a producer to a worker of the service', async () => {
    const sdk = join(import.meta.dirname, 'processes/printing-spans.ts');
    const main = join(root, 'src/cli/main.ts');
    const worker = start(['--import', 'tsx', '--import', sdk, main, 'worker'], env('on'));
    await worker.line('{"level":"info"');
    await calling(() =>
      stage.producer({ telemetry: openTelemetry() }).create({ ...SCOPE, owner: 'ann', duration: 60 }),
    );
    const theirs = (): ToldSpan[] =>
      worker.stdout.filter((line) => line.startsWith('span ')).map((line) => JSON.parse(line.slice(5)));
    await eventually('the worker has told its spans', () => theirs().length === 3);
    const all = [...spans.all, ...theirs()];
    expect(treeOf(all)).deep.equal([
      'INTERNAL caller',
      '  PRODUCER create completed',
      '    PRODUCER add commands.command',
      '      CONSUMER process commands',
      '        INTERNAL create completed',
      '          CLIENT create completed',
    ]);
    expect(new Set(all.map(({ trace }) => trace)).size).equal(1);
    worker.kill('SIGTERM');
    expect(await worker.ended).deep.equal({ code: 0, signal: null });
  });

  it('where it is off, nothing of OpenTelemetry is loaded, and nothing need be there', async () => {
    const file = join(import.meta.dirname, 'processes/untraced.ts');
    const args = { library: join(bare, 'src/index.ts'), url: stage.url, prefix: stage.prefix };
    const program = start(['--import', 'tsx', file, JSON.stringify(args)], {}, bare);
    const { code } = await program.ended;
    expect({ code, stderr: program.stderr }).deep.equal({ code: 0, stderr: [] });
    expect(program.stdout).deep.equal(['loaded true ']);
  });

  it('the service says what is to be installed where it is on, and runs without where it is off', async () => {
    const args = ['--import', 'tsx', join(bare, 'src/cli/main.ts'), 'worker'];
    const [on, off] = [start(args, env('on'), bare), start(args, env('off'), bare)];
    expect((await on.ended).code).equal(2);
    expect(on.stderr.join('\n')).include(
      'telemetry needs what is not installed: npm install @opentelemetry/api bullmq-otel (given by REDIS_TOKENS_TELEMETRY)',
    );
    await off.line('{"level":"info"');
    off.kill('SIGTERM');
    expect((await off.ended).code).equal(0);
  });
});

/** The sources in a folder where the packages of OpenTelemetry can not be found. */
function withoutOpenTelemetry(): string {
  const folder = mkdtempSync(join(tmpdir(), 'redis-tokens-untraced-'));
  for (const part of ['src', 'config', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  const packages = join(folder, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '@opentelemetry' || name === 'bullmq-otel') continue;
    symlinkSync(join(root, 'node_modules', name), join(packages, name));
  }
  return folder;
}
