// The operations as a user runs them, through both doors.
import { expect } from 'chai';
import { RedisTokens, type TokenOperations, TokenWorker } from '../../src/index.js';
import { freshPrefix, sharedRedis } from '../support/redis.js';
import { run } from './in-process.js';

const SCOPE = ['--app', 'shop', '--type', 'session'];

describe('redis-tokens on the command line', function () {
  this.timeout(60_000);

  let env: Record<string, string>;
  let tokens: TokenOperations;
  let worker: TokenWorker;

  beforeEach(async () => {
    const prefix = freshPrefix();
    const { url } = await sharedRedis();
    env = { REDIS_URL: url, REDIS_TOKENS_PREFIX: prefix };
    tokens = new RedisTokens(url, { prefix });
    worker = new TokenWorker({ connection: url, prefix });
  });

  afterEach(() => Promise.all([tokens.close(), worker.close()]));

  async function json(args: string[], status = 0, input = '') {
    const ended = await run([...args, '--json'], { env, input });
    expect(ended, args.join(' ')).include({ status, stderr: '' });
    expect(ended.stdout.trim().split('\n')).length(1);
    return JSON.parse(ended.stdout);
  }

  for (const [door, queue] of [
    ['in process', []],
    ['over the queue', ['--queue']],
  ] as const) {
    it(`takes a token through its life ${door}`, async () => {
      if (queue.length > 0) await worker.start();
      const made = await json([
        'create',
        ...SCOPE,
        '--owner',
        'ann',
        '--duration',
        '15m',
        '--data',
        '{"a":1,"b":2}',
        ...queue,
      ]);
      expect(made).include({ app: 'shop', type: 'session', owner: 'ann', version: 1 });
      expect(made.expiresAt - made.createdAt).within(899_000, 901_000);
      const { token, ...record } = made;

      const [got, listed] = await Promise.all([
        json(['get', '-', ...SCOPE, ...queue], 0, `${token}\n`),
        json(['list', ...SCOPE, '--owner', 'ann', '--limit', '5', ...queue]),
      ]);
      expect(got).deep.equal(record);
      expect(listed).deep.equal([record]);

      await tokens.create({ app: 'shop', type: 'session', owner: 'ann', duration: 60 }); // another of hers
      const updated = await json(['update', token, ...SCOPE, '--data', '{"a":null,"c":[3]}', ...queue]);
      expect(updated).deep.include({ data: { b: 2, c: [3] }, version: 2, expiresAt: record.expiresAt });
      const refreshed = await json(['refresh', token, ...SCOPE, '--duration', '86400', ...queue]);
      expect(refreshed.expiresAt).above(record.expiresAt + 80_000_000);

      const rotated = await json(['rotate', '-', ...SCOPE, '--grace', '5m', ...queue], 0, token);
      expect(rotated).deep.include({ data: { b: 2, c: [3] }, version: 4, expiresAt: refreshed.expiresAt });
      const again = await run(['rotate', '-', ...SCOPE, '--token-only', ...queue], { env, input: token });
      expect(again).include({ status: 0, stdout: `${rotated.token}\n` });
      expect(await json(['get', '-', ...SCOPE, ...queue], 1, token)).equal(null);

      expect(await json(['revoke', '-', ...SCOPE, ...queue], 0, rotated.token)).deep.equal({ revoked: true });
      expect(await run(['rotate', '-', ...SCOPE, '--token-only', ...queue], { env, input: token })).include({
        status: 1,
        stdout: '',
      });
      const all = json(['revoke-all', ...SCOPE, '--owner', 'ann', ...queue]);
      expect(await json(['get', token, ...SCOPE, ...queue], 1)).equal(null);
      expect(await all).deep.equal({ revoked: 1 });
    });
  }

  for (const [door, queue] of [
    ['in process', []],
    ['over the queue', ['--queue']],
  ] as const) {
    it(`revokes by id, all but one, a scope and an app, consumes, and tells why (${door})`, async () => {
      if (queue.length > 0) await worker.start();
      const scope = { app: 'shop', type: 'session' };
      const make = (type = 'session') => tokens.create({ ...scope, type, owner: 'ann', duration: 60 });
      const [one, two, three, four] = [await make(), await make(), await make(), await make()];
      const { token, ...record } = one;
      expect(await json(['get', '--id', one.id, ...SCOPE, ...queue])).deep.equal(record);
      await json(['get', '--id', one.id, '--owner', 'bob', ...SCOPE, ...queue], 1);
      const why = ['--reason', 'stolen', '--by', 'admin', ...queue];
      await json(['revoke', '--id', one.id, '--owner', 'bob', ...SCOPE, ...why], 1);
      expect(await json(['revoke', '--id', one.id, ...SCOPE, ...why])).deep.equal({ revoked: true });
      expect(await json(['consume', '-', ...SCOPE, ...why], 0, two.token)).include({ id: two.id });
      expect(await json(['consume', two.token, ...SCOPE, ...why], 1)).equal(null);
      const allButOne = ['revoke-all', '--except', '-', '--owner', 'ann', ...SCOPE, ...why];
      expect(await json(allButOne, 0, three.token)).deep.equal({ revoked: 1 });
      expect((await tokens.list({ ...scope, owner: 'ann' })).map(({ id }) => id)).deep.equal([three.id]);
      expect(await json(['revoke-scope', ...SCOPE, '--yes', ...why])).deep.equal({ revoked: 1 });
      await make('reset');
      expect(await json(['revoke-app', '--app', 'shop', '--yes', ...why])).deep.equal({ revoked: 1 });
      expect(await tokens.get(four)).equal(undefined);
      expect(token).match(/^rt_/);
    });
  }

  it('ends a scope or an app with --yes only, and takes a token or its id', async () => {
    const made = await tokens.create({ app: 'shop', type: 'session', owner: 'ann', duration: 60 });
    const refused = await Promise.all(
      [
        ['revoke-scope', ...SCOPE],
        ['revoke-app', '--app', 'shop'],
        ['revoke', made.token, '--id', made.id, ...SCOPE],
        ['revoke', ...SCOPE],
        ['get', ...SCOPE],
        ['revoke', made.token, '--owner', 'bob', ...SCOPE],
        ['revoke', '--id', 'none', ...SCOPE],
        ['revoke', made.token, '--by', 'root', ...SCOPE],
      ].map((args) => run(args, { env })),
    );
    for (const { status, stdout, stderr } of refused) {
      expect({ status, stdout }).deep.equal({ status: 2, stdout: '' });
      expect(stderr).not.contain(made.token);
    }
    expect(refused[0]?.stderr).contain('--yes');
    expect(await tokens.get(made)).deep.equal(made);
  });

  for (const [door, queue] of [
    ['in process', []],
    ['over the queue', ['--queue']],
  ] as const) {
    it(`limits, names, hints at and counts tokens, and looks without using them, ${door}`, async () => {
      if (queue.length > 0) await worker.start();
      const create = ['create', ...SCOPE, '--owner', 'ann', '--duration', '1h', '--idle', '15m', ...queue];
      const made = await json([...create, '--hint', '--label', 'a phone', '--limit', '1']);
      expect(made).include({ idle: 900, label: 'a phone', hint: `rt_…${made.token.slice(-4)}` });
      expect(made.absoluteExpiresAt - made.expiresAt).equal(2_700_000);
      const { token, ...record } = made;
      expect(await json(['get', '-', ...SCOPE, '--no-touch', ...queue], 0, token)).deep.equal(record);
      const [refused, other, conflict] = await Promise.all([
        run([...create, '--limit', '1', '--json'], { env }),
        run([...create, '--overflow', 'end', '--json'], { env }),
        run(['update', '-', ...SCOPE, '--data', '{}', '--if-version', '2', '--json', ...queue], {
          env,
          input: token,
        }),
      ]);
      expect([refused.status, other.status, conflict.status]).deep.equal([2, 2, 2]);
      expect(JSON.parse(refused.stderr).error).include({ code: 'LIMIT_EXCEEDED' });
      expect(JSON.parse(other.stderr).error.message).equal('--overflow goes with --limit only');
      expect(JSON.parse(conflict.stderr).error).include({ code: 'VERSION_CONFLICT', currentVersion: 1 });
      const updated = ['update', '-', ...SCOPE, '--data', '{"a":1}', '--if-version', '1', ...queue];
      expect(await json(updated, 0, token)).include({ version: 2 });
      await json([...create, '--limit', '1', '--overflow', 'end-oldest']);
      expect(await json(['get', '-', ...SCOPE, ...queue], 1, token)).equal(null);
      await tokens.create({ app: 'shop', type: 'session', owner: 'bob', duration: 60 });
      const [all, anns, page] = await Promise.all([
        json(['count', ...SCOPE, ...queue]),
        json(['count', ...SCOPE, '--owner', 'ann', ...queue]),
        json(['owners', ...SCOPE, '--limit', '1', ...queue]),
      ]);
      expect([all, anns]).deep.equal([{ count: 2 }, { count: 1 }]);
      expect(page.owners).deep.equal([{ owner: 'ann', count: 1 }]);
      const [rest, shown] = await Promise.all([
        json(['owners', ...SCOPE, '--cursor', page.cursor, ...queue]),
        run(['owners', ...SCOPE, '--limit', '1', ...queue], { env }),
      ]);
      expect(rest).deep.equal({ owners: [{ owner: 'bob', count: 1 }] });
      expect(shown.stdout).equal('TOKENS  OWNER\n1       ann\n');
      expect(shown.stderr).equal(`redis-tokens: there are more: --cursor ${page.cursor}\n`);
    });
  }

  it('lists page by page, also behind a token that is gone', async () => {
    const ann = { app: 'shop', type: 'session', owner: 'ann' };
    for (let i = 1; i <= 5; i++) await tokens.create({ ...ann, duration: i * 60 });
    const list = ['list', ...SCOPE, '--owner', 'ann'];
    const whole = await json(list);
    const pages = [await run([...list, '--limit', '2'], { env })];
    await tokens.deleteById({ ...ann, id: whole[1].id });
    for (let after = next(pages[0]); after !== undefined; after = next(pages.at(-1)))
      pages.push(await run([...list, '--limit', '2', '--after', after], { env }));
    const ids = pages
      .flatMap(({ stdout }) => stdout.trim().split('\n').slice(1))
      .map((row) => row.split(' ')[0]);
    expect(ids).deep.equal(whole.map(({ id }: { id: string }) => id));
    const wrong = await run([...list, '--after', whole[0].id], { env });
    expect(wrong).include({ status: 2, stdout: '' });
    expect(wrong.stderr).contain('--after must be');
  });

  const next = (page?: { stderr: string }) =>
    /^redis-tokens: there may be more: --after (\S+)\n$/.exec(page?.stderr ?? '')?.[1];

  it('prints a token alone, as the others read it from standard input', async () => {
    const create = ['create', ...SCOPE, '--owner', 'ann', '--duration', '1h'];
    const [whole, alone, json] = await Promise.all([
      run(create, { env }),
      run([...create, '--token-only'], { env }),
      run([...create, '--token-only', '--json'], { env }),
    ]);
    expect(alone).include({ status: 0, stderr: '' });
    expect(alone.stdout).match(/^rt_\w+\n$/);
    expect(JSON.parse(json.stdout)).match(/^rt_\w+$/);
    const inputs = [whole.stdout, '', '\n', `${alone.stdout}\n`];
    const revoked = await Promise.all(inputs.map((input) => run(['revoke', '-', ...SCOPE], { env, input })));
    expect(revoked.map(({ status }) => status)).deep.equal([2, 2, 2, 0]);
    expect(revoked[0]?.stderr).contain('more than one line').contain('--token-only').not.contain('rt_');
    expect(revoked[1]?.stderr).contain('is empty');
    const custom = await run([...create, '--token', '-'], { env, input: 'two\nlines' });
    expect(custom.status).equal(2);
  });

  it('goes by the peppers that it is given, and without them lists and revokes all the same', async () => {
    const key = (name: string) => `${name}:${Buffer.alloc(32, name).toString('base64')}`;
    const create = ['create', ...SCOPE, '--owner', 'ann', '--duration', '15m'];
    const older = { ...env };
    env.REDIS_TOKENS_PEPPERS = key('2025');
    const made = await json(create);
    env.REDIS_TOKENS_PEPPERS = `${key('2026')}\n${key('2025')}`;
    const got = await json(['get', '-', ...SCOPE], 0, made.token);
    expect(got.id).not.equal(made.id);
    env.REDIS_TOKENS_PEPPERS = key('2026');
    expect(await json(['get', '-', ...SCOPE], 0, made.token)).deep.equal(got);

    env = older;
    const refused = await run(create, { env });
    expect(refused).include({ status: 2, stdout: '' });
    expect(refused.stderr).match(/:meta: tokens are sealed with the pepper "2026".* none is given here/);
    expect(await json(['list', ...SCOPE, '--owner', 'ann'])).deep.equal([got]);
    expect(await json(['revoke', '--id', made.id, ...SCOPE])).deep.equal({ revoked: true });
    expect(await json(['revoke-all', ...SCOPE, '--owner', 'ann'])).deep.equal({ revoked: 0 });
  });

  it('speaks to people in lines and tables', async () => {
    const made = await run(
      ['create', ...SCOPE, '--owner', 'an\u001b[2Jn', '--duration', '1h', '--token', '-'],
      {
        env,
        input: 'secret of mine\n',
      },
    );
    expect(made.status).equal(0);
    expect(made.stdout)
      .match(/^token {4}secret of mine$/m)
      .match(/^owner {4}an\\u001b\[2Jn$/m);
    expect(made.stdout).match(/^expires {2}\S+ \(in 60 minutes\)$/m);
    const [list, none, got, missing, again] = await Promise.all([
      run(['list', ...SCOPE, '--owner', 'an\u001b[2Jn'], { env }),
      run(['list', ...SCOPE, '--owner', 'bob'], { env }),
      run(['get', 'secret of mine', ...SCOPE], { env }),
      run(['get', 'another', ...SCOPE], { env }),
      run(['revoke', 'another', ...SCOPE, '--json'], { env }),
    ]);
    const [head, row] = list.stdout.split('\n');
    expect(head).match(/^ID {22}VERSION {2}CREATED +EXPIRES +DATA$/);
    expect(row).match(/^[\w-]{22} {2}1 {8}\d{4}-.*Z {2}\d{4}-.*Z {2}\{\}$/);
    expect(none).include({ status: 0, stdout: 'no tokens\n' });
    expect(got.stdout).not.contain('secret of mine');
    expect(again).deep.equal({ status: 1, stdout: '{"revoked":false}\n', stderr: '' });
    expect(missing).deep.equal({
      status: 1,
      stdout: '',
      stderr: 'redis-tokens: not found: the token is missing, expired or revoked\n',
    });
  });
});
