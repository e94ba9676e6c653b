// Operations in process are spans: one each, below that of their caller.
import { expect } from 'chai';
import { ConfigError, RedisTokens, type RedisTokensOptions, TokenExistsError } from '../../src/index.js';
import { openTelemetry } from '../../src/telemetry/index.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { rejection } from '../support/eventually.js';
import { calling, Spans, treeOf } from './spans.js';

describe('An operation in process', () => {
  const stage = new Stage();
  const spans = new Spans();
  before(() => spans.open());
  after(() => spans.close());
  beforeEach(() => spans.reset());

  const open = (options: RedisTokensOptions = {}) =>
    stage.opened.add(
      new RedisTokens(stage.url, { prefix: stage.prefix, telemetry: openTelemetry(), ...options }),
    );

  it('is one span below its caller’s, and tells nothing but its name, its outcome and the id', async () => {
    const tokens = open();
    const made = await calling(async () => {
      const { token, id } = await tokens.create({
        ...{ ...SCOPE, owner: 'secret-ann', data: { cart: 'secret-7' }, duration: 60 },
      });
      await tokens.get({ ...SCOPE, token });
      await tokens.list({ ...SCOPE, owner: 'secret-ann' });
      await tokens.delete({ ...SCOPE, token });
      return { token, id };
    });
    expect(treeOf(spans.all)).deep.equal([
      'INTERNAL caller',
      '  CLIENT create completed',
      '  CLIENT delete completed',
      '  CLIENT get completed',
      '  CLIENT list completed',
    ]);
    expect(spans.all.find(({ name }) => name === 'create')?.attributes).deep.equal({
      'redis_tokens.operation': 'create',
      'redis_tokens.token_id': made.id,
      'redis_tokens.outcome': 'completed',
    });
    const text = JSON.stringify(spans.all);
    for (const secret of [made.token, 'secret']) expect(text).not.include(secret);
  });

  it('that fails ends with the code of its error', async () => {
    const tokens = open();
    const input = { ...SCOPE, owner: 'ann', customToken: 'a custom token', duration: 60 };
    await tokens.create(input);
    expect(await rejection(tokens.create(input))).instanceOf(TokenExistsError);
    expect(treeOf(spans.all)).deep.equal(['CLIENT create TOKEN_EXISTS', 'CLIENT create completed']);
    expect(spans.all.at(-1)).deep.include({ status: { code: 2, message: 'TOKEN_EXISTS' }, events: [] });
  });

  it('is no span where the near cache answers, nor where nothing was asked for', async () => {
    const tokens = open({ cache: {} });
    const { token } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
    const reads = () => spans.all.filter(({ name }) => name === 'get').length;
    let before: number;
    do {
      before = reads();
      await tokens.get({ ...SCOPE, token });
    } while (reads() > before);
    expect(before).least(1);
    await tokens.get({ ...SCOPE, token: 'rt_mistyped' });
    expect(reads()).equal(before);
  });

  it('is traced by nothing but what openTelemetry makes', () => {
    const telemetry = { tracer: {} } as never;
    expect(() => new RedisTokens(stage.url, { telemetry })).throws(ConfigError, /option "telemetry" must be/);
  });
});
