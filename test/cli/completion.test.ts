// Shell completion: what the scripts complete is what the program takes. zsh and fish are not there to be asked.
import { expect } from 'chai';
import { Child, type Ended } from './command.js';
import { commandsOf } from './help.js';
import { run } from './in-process.js';

/** Where nothing but a script can be had: Redis is nowhere, and no other command would accept these settings. */
const env = { REDIS_URL: 'redis://127.0.0.1:1', REDIS_TOKENS_SHARDS: '3' };

describe('redis-tokens completion', function () {
  this.timeout(30_000);

  const script = async (shell: string) => {
    const { status, stdout, stderr } = await run(['completion', shell], { env });
    expect({ status, stderr }).deep.equal({ status: 0, stderr: '' });
    return stdout;
  };

  /** What bash itself is offered for the last word of each line. */
  async function inBash(lines: readonly string[][]): Promise<string[][]> {
    const asked = lines.map((words) => {
      const quoted = words.map((word) => `'${word}'`).join(' ');
      return `COMP_WORDS=(${quoted}) COMP_CWORD=${words.length - 1}; _redis_tokens; echo "\${COMPREPLY[*]}"`;
    });
    const input = `set -u; ${await script('bash')}\n${asked.join('\n')}\ncomplete -p redis-tokens\n`;
    const { status, stdout, stderr }: Ended = await new Child('bash', ['--norc'], { input }).ended;
    expect({ status, stderr }).deep.equal({ status: 0, stderr: '' });
    const answers = stdout.trimEnd().split('\n');
    expect(answers.pop()).equal('complete -F _redis_tokens redis-tokens');
    return answers.map((answer) => answer.split(' ').filter((word) => word !== ''));
  }

  it('offers in bash what may follow: commands, options, and what an option may be', async () => {
    const types = ['token-refreshed', 'token-resealed', 'token-reused', 'token-revoked'];
    const cases: [line: string[], offered: string[]][] = [
      [['revoke-'], ['revoke-all', 'revoke-scope', 'revoke-app']],
      [
        ['queue', ''],
        ['show', 'pause', 'resume', 'help'],
      ],
      [
        ['queue', 'pause', '--lane', ''],
        ['commands', 'revocations'],
      ],
      [['dead-letters', 'list', '--lane', '=', 'com'], ['commands']],
      [
        ['dead-letters', 'list', '--lane', '='],
        ['commands', 'revocations'],
      ],
      [['--url', 'queue', '--json', 'dead-letters', 're'], ['retry']],
      [['watch', '--event', 'token-created', 'token-re'], types],
      [['events', '--event', 'token-created', '--si'], ['--since']],
      [
        ['create', '--overflow', ''],
        ['reject', 'end-oldest'],
      ],
      [['list', '--app', ''], []],
      [['list', '--app', 'queue', '--lim'], ['--limit']],
      [['list', '--token-p'], ['--token-prefix']],
      [
        ['completion', ''],
        ['bash', 'zsh', 'fish'],
      ],
    ];
    const answers = await inBash(cases.map(([words]) => ['redis-tokens', ...words]));
    expect(answers).deep.equal(cases.map(([, offered]) => offered));
  });

  it('offers in bash every command and option that help tells of', async () => {
    const commands = await commandsOf();
    const words = commands.map(({ path }) => ['redis-tokens', ...path, '-']);
    const offered = await inBash(words);
    expect(commands.length).above(20);
    for (const [i, { path, options }] of commands.entries()) {
      expect(offered[i], path.join(' ')).include.members(options);
    }
  });

  it('names in zsh and in fish every command and option that help tells of', async () => {
    const [zsh, fish] = await Promise.all([script('zsh'), script('fish')]);
    for (const { path, options } of await commandsOf()) {
      const name = path.join(' ');
      const body = zsh.split(`_redis_tokens_${name.replaceAll(/[ -]/g, '_')}() {\n`)[1]?.split('\n}\n')[0];
      const lines = fish.split('\n').filter((line) => line.includes(`__redis_tokens_in \\'${name}\\'`));
      for (const option of options) {
        expect(body, `zsh: ${name}`).match(new RegExp(`'\\*?${option}\\[`));
        expect(lines.join('\n'), `fish: ${name}`).match(new RegExp(` (-l ${option.slice(2)}|-s h) `));
      }
      expect(fish, `fish: ${name}`).contain(` -a ${path.at(-1)} `);
    }
    expect(zsh)
      .match(/^#compdef redis-tokens\n/)
      .match(/\ncompdef _redis_tokens redis-tokens\n$/);
    expect(zsh).contain(':value:(commands revocations)');
    expect(fish).contain("-l lane -x -a 'commands revocations'");
  });

  it('refuses another shell', async () => {
    const { status, stderr } = await run(['completion', 'tcsh']);
    expect(status).equal(2);
    expect(stderr).contain('bash, zsh, fish').not.contain('tcsh');
  });
});
