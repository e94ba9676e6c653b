// A primary that Sentinels know, by its URL and by the options of ioredis.
import { assert } from 'chai';
import { ConfigError } from '../../src/index.js';
import { checkConnection } from '../../src/redis/check-connection.js';
import { isTls, overTls } from '../../src/redis/connection.js';
import { parseSentinelUrl } from '../../src/redis/sentinel.js';
import { shownUrl } from '../../src/service/shown-url.js';

describe('The URL of Sentinels', () => {
  it('names some of them, what they call the primary, its database and who asks', () => {
    assert.deepEqual(parseSentinelUrl('redis-sentinel://a:5000,10.0.0.2,[::1]:7#my-primary.1'), {
      sentinels: [
        { host: 'a', port: 5000 },
        { host: '10.0.0.2', port: 26379 },
        { host: '::1', port: 7 },
      ],
      name: 'my-primary.1',
    });
    assert.deepEqual(parseSentinelUrl('redis-sentinel://ann:p%40ss:w@a/3#x'), {
      sentinels: [{ host: 'a', port: 26379 }],
      name: 'x',
      username: 'ann',
      password: 'p@ss:w',
      db: 3,
    });
  });

  it('goes over TLS to all of them where it says so, and with certificates of one’s own', () => {
    const tls = { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true };
    assert.deepInclude(parseSentinelUrl('rediss-sentinel://a#x'), tls);
    assert.isTrue(isTls('rediss-sentinel://a#x'));
    assert.isFalse(isTls('redis-sentinel://a#x'));
    const ca = { ca: 'authority' };
    for (const secured of [
      overTls('rediss-sentinel://a#x', ca),
      overTls({ sentinels: [{ host: 'a' }], name: 'x' }, ca),
    ])
      assert.deepInclude(secured, { tls: ca, sentinelTLS: ca, enableTLSForSentinelMode: true });
  });

  it('is shown without its password', () => {
    const shown = 'redis-sentinel://***@a:1,b:2/1#x';
    assert.equal(shownUrl('redis-sentinel://ann:secret@a:1,b:2/1#x'), shown);
    assert.equal(shownUrl(parseSentinelUrl('redis-sentinel://ann:secret@a:1,b:2/1#x') as object), shown);
  });

  it('is refused where it can not be read', () => {
    for (const url of [
      ...['redis-sentinel://a:1', 'redis-sentinel://a:1#', 'redis-sentinel://#x', 'redis-sentinel://a:x#x'],
      ...[
        'redis-sentinel://a:1,#x',
        'redis-sentinel://a/b#x',
        'redis-sentinel://a?b#x',
        'redis-sentinel://u:%zz@a#x',
      ],
      ...['redis-sentinel:a#x', 'rediss-sentinels://a#x', 'redis-sentinel://a#x#y'],
    ])
      assert.throws(() => checkConnection(url), ConfigError, undefined, url);
  });

  it('options of ioredis that mean TLS, and would go in plain text, or to a replica, or that name nothing, are refused', () => {
    const found = { sentinels: [{ host: 'a' }], name: 'x' };
    assert.throws(() => checkConnection({ ...found, tls: {} }), ConfigError, 'enableTLSForSentinelMode');
    assert.throws(() => checkConnection({ ...found, role: 'slave' }), ConfigError, 'role');
    assert.throws(() => checkConnection({ sentinels: found.sentinels }), ConfigError, '"name"');
    checkConnection(found);
    checkConnection({ ...found, tls: {}, enableTLSForSentinelMode: true });
  });
});
