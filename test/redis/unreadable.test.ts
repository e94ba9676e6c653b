// Records that nobody wrote so: a caller is told, and other tokens are dealt with as ever.
import { assert } from 'chai';
import { RedisTokens } from '../../src/index.js';
import { Keys } from '../../src/redis/keys.js';
import { SCOPE, Stage } from '../queue/stage.js';

const LIFE = 600_000;

/** Records of ann that lack what is needed, or have something else in its place. */
const BROKEN = (now: number): Record<string, string> => ({
  'that ends after its scope': '["shop","session"]',
  'without an owner': `["shop","session",null,1,${now * 1_000},${now + LIFE},0]`,
  'without an end': `["shop","session","ann",1,${now * 1_000},null,0]`,
  'with a version that is a text': `["shop","session","ann","1",${now * 1_000},${now + LIFE},0]`,
  'with an end of too many digits': `["shop","session","ann",1,${now * 1_000},${'9'.repeat(400)},0]`,
  'with a value that is no JSON': `["shop","session","ann",1,${now * 1_000},${now + LIFE},0,"a","shop"]`,
  'with an idle time that is a text': `["shop","session","ann",1,${now * 1_000},${now + LIFE},0,{"idle":"long","absoluteExpiresAt":1}]`,
});

describe('A record that can not be read', () => {
  const stage = new Stage();

  const open = () => stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix }));
  const create = (tokens: RedisTokens) => tokens.create({ ...SCOPE, owner: 'ann', duration: 60 });
  const put = (id: string, text: string) =>
    stage.redis.set(new Keys(stage.prefix).record(0, id), text, 'KEEPTTL');

  it('is no token that its caller could take for a live one', async () => {
    const tokens = open();
    const { token, id } = await create(tokens);
    for (const [what, text] of Object.entries(BROKEN(Date.now()))) {
      await put(id, text);
      const answer = await tokens.get({ ...SCOPE, token }).catch((error) => error.code);
      assert.equal(answer, 'COMMAND_FAILED', what);
    }
  });

  it('keeps no other token from being revoked, though it is the one to be spared', async () => {
    const tokens = open();
    const garbled = {
      'an end of 0': (now: number) => `["shop","session","ann",1,${now * 1_000},0,0]`,
      'a text in place of a stamp': (now: number) =>
        `["shop","session","ann",1,${now * 1_000},${now + LIFE},0,{"spared":"never"}]`,
    };
    for (const [what, text] of Object.entries(garbled)) {
      const [broken, other] = [await create(tokens), await create(tokens)];
      await put(broken.id, text(Date.now()));
      await tokens.deleteAll({ ...SCOPE, owner: 'ann', except: broken.token });
      assert.isUndefined(await tokens.get({ ...SCOPE, token: other.token }), what);
    }
  });

  it('harms no change that is sent with its own', async () => {
    const tokens = open();
    const [broken, other] = [await create(tokens), await create(tokens)];
    const now = Date.now();
    const texts = [
      `["shop","session","ann",1,${now * 1_000},${now + LIFE},0,"a",1]`,
      `["shop","session","ann",1,${now * 1_000},${now + LIFE},0,{"idle":"long"}]`,
    ];
    for (const [i, text] of texts.entries()) {
      await put(broken.id, text);
      const [none, updated] = await Promise.all([
        tokens.update({ ...SCOPE, token: broken.token, data: { b: 1 } }),
        tokens.update({ ...SCOPE, token: other.token, data: { b: i } }),
      ]);
      assert.isUndefined(none);
      assert.deepEqual(updated?.data, { b: i });
    }
  });
});
