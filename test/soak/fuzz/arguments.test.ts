// Command lines that hold anything: they are run, or refused as such, and what was typed in the wrong place is not shown.
import { assert } from 'chai';
import fc from 'fast-check';
import { createProgram } from '../../../src/cli/program.js';
import { run } from '../../cli/in-process.js';
import { fuzz, TIMEOUT } from './fuzz.js';
import { SECRET, text } from './hostile.js';

const program = createProgram();
const names = program.commands
  .flatMap((command) => [command, ...command.commands])
  .map((command) => command.name());
const flags = [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)].flatMap(
  ({ options }) => options.map(({ long }) => long as string),
);

/** What waits for Redis, or works until it is told to end. */
const LASTING = ['worker', 'watch', 'migrate'];
/** Nobody listens there: whatever is right fails at once. */
const NOWHERE = { REDIS_URL: 'redis://127.0.0.1:1', REDIS_TOKENS_TIMEOUT: '1' };

const word = fc.oneof(
  fc.constantFrom(...flags),
  fc.tuple(fc.constantFrom(...flags), text).map(([flag, value]) => `${flag}=${value}`),
  fc.constantFrom(...['shop', 'session', '60', '7d', '-', '--', '{"a":1}', SECRET]),
  text.filter((one) => !one.startsWith('/') && !one.startsWith('.')),
);
const line = fc.tuple(
  fc.constantFrom(...names.filter((name) => !LASTING.includes(name)), 'acl', 'acl'),
  fc.array(word, { maxLength: 8 }),
);

describe('Fuzzing: command lines', function () {
  this.timeout(TIMEOUT);

  it('are run or refused, without a word of a token in the wrong place', () =>
    fuzz(line, [], async ([name, words]) => {
      // The name of a file is told where that can not be read.
      if (words.some((one, i) => one === SECRET && words[i - 1]?.startsWith('--tls-'))) return;
      const { status, stderr, stdout } = await run([name, ...words], { env: NOWHERE, input: 'rt_x' });
      assert.include([0, 1, 2, 3], status, stderr);
      assert.notMatch(stderr, /^ +at /m);
      assert.notInclude(stderr, 'INTERNAL');
      assert.notInclude(stderr + stdout, SECRET);
    }));
});
