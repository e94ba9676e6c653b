// Every example in every command's help, run as it stands there on a server of its own.
import { expect } from 'chai';
import { RedisTokens, TokenWorker } from '../../src/index.js';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { type Child, start } from './command.js';
import { commandsOf } from './help.js';
import { run } from './in-process.js';

/** These go on until they are stopped; they are asked to say so much before. */
const ENDLESS: Record<string, RegExp> = { worker: /redis:/, watch: /connected to redis:/ };

/** Stands for one that is not there. */
const MADE_UP = /j-3u5PcxLk|--id W7bAgPkaz4w4pI0bKch4ja/;

describe('the examples of redis-tokens --help', function () {
  this.timeout(60_000);

  let server: RedisServer;
  let tokens: RedisTokens;
  let worker: TokenWorker;
  let children: Child[];

  before(async () => {
    server = await startRedisServer({ log: () => {} });
    tokens = new RedisTokens(server.url);
    worker = new TokenWorker({ connection: server.url });
    await worker.start();
    children = [];
  });

  after(async () => {
    await Promise.all(children.map((child) => child.kill()));
    await Promise.all([tokens.close(), worker.close()]);
    await server.stop();
  });

  it('work, and each command has one to three', async () => {
    const env = { REDIS_URL: server.url };
    const endless: Promise<void>[] = [];
    for (const { path, examples } of await commandsOf()) {
      expect(examples.length, path.join(' ')).within(1, 3);
      for (const example of examples) {
        const { args, reads } = parse(example.replace('redis://old:6379', server.url));
        expect(args.slice(0, path.length), example).deep.equal(path);
        const says = ENDLESS[args[0] as string];
        if (says) {
          const child = start(args, { env });
          children.push(child);
          endless.push(child.says(says));
          continue;
        }
        const { token } = await tokens.create({ app: 'shop', type: 'session', owner: 'ann', duration: 60 });
        const ended = await run(args, { env, input: reads ? `${token}\n` : '' });
        expect(ended.status, `${example}\n${ended.stderr}`).equal(MADE_UP.test(example) ? 1 : 0);
      }
    }
    await Promise.all(endless);
  });
});

/** As a shell would read it; there is no more in examples than quotes and one file. */
function parse(line: string): { args: string[]; reads: boolean } {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => ({ quoted, bare }));
  expect(words.shift()?.bare, line).equal('redis-tokens');
  const file = words.at(-2)?.bare;
  const isFile = file === '<' || file === '>';
  const args = (isFile ? words.slice(0, -2) : words).map(({ quoted, bare = '' }) => quoted ?? bare);
  expect(
    words.slice(0, args.length).filter(({ bare = '' }) => /[|&;<>$`"'\\*?]/.test(bare)),
    line,
  ).deep.equal([]);
  return { args, reads: file === '<' };
}
