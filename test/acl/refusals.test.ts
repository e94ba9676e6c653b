// What the user of each role may not do, whatever it sends; and that it has no command that nothing here needs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from 'chai';
import { Redis } from 'ioredis';
import { RedisTokens } from '../../src/index.js';
import { SCRIPTS, type ScriptName } from '../../src/redis/scripts.generated.js';
import { ROLES, type Role } from '../../src/service/acl/roles.js';
import { commandsOfScripts, WORKING_ON_JOBS } from '../../src/service/acl/script-commands.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { root } from '../support/sources.js';
import { startUsers } from '../support/users.js';

const ANN = { app: 'shop', type: 'session', owner: 'ann' };

/** Nobody needs these. */
const NOBODY = [
  ...['FLUSHALL', 'FLUSHDB', 'SWAPDB 0 1', 'KEYS *', 'RANDOMKEY', 'MONITOR', 'SHUTDOWN NOSAVE', 'SAVE'],
  ...[
    'CONFIG GET *',
    'CONFIG SET save x',
    'ACL LIST',
    'ACL SETUSER x on',
    'ACL WHOAMI',
    'CLIENT KILL ID 1',
    'CLIENT NO-EVICT on',
  ],
  ...[
    'REPLICAOF NO ONE',
    'SCRIPT FLUSH',
    'SCRIPT KILL',
    'FUNCTION LIST',
    'MODULE LIST',
    'CLUSTER RESET',
    'CLUSTER NODES',
  ],
  ...[
    'MIGRATE h 1 k 0 1',
    'RESTORE k 0 x',
    'DUMP k',
    'SORT k',
    'OBJECT ENCODING k',
    'MEMORY USAGE k',
    'LATENCY RESET',
  ],
  ...['CLIENT TRACKING ON', 'CLIENT PAUSE 1', 'PSYNC ? -1', 'BGREWRITEAOF', 'PUBSUB CHANNELS'],
];

/** What each role may not do in its own deployment: `R` stands for its prefix, `ID` for a token that lives. */
const OF_ROLE: Record<Role, string[]> = {
  reader: [
    ...['EVAL \'redis.call("HSET",KEYS[1],"shards",2)\' 1 {R}:meta'],
    ...['SET {R:0}:t:ID x', 'DEL {R:0}:t:ID', 'PEXPIRE {R:0}:t:ID 1', 'ZADD {R:0}:o:shop:session:ann 1 x'],
    ...['XADD {R:0}:log * event x', 'XRANGE {R:0}:log - +', 'PUBLISH R:events:token-revoked:shop:session x'],
    ...['HSET {R}:meta shards 2', 'ZRANGE {R:0}:revoked 0 -1', 'HGETALL {R}:commands:j-1', 'SCAN 0'],
    ...[
      'SUBSCRIBE R:events:token-revoked:shop:session',
      'PSUBSCRIBE R:events:*:*:*',
      'SUBSCRIBE R:results:x',
    ],
    ...[
      'SUBSCRIBE __redis__:invalidate',
      'CLIENT LIST',
      'EVAL \'return_redis.call("GET",KEYS[1])\' 1 {R:0}:t:ID',
    ],
    ...[
      'EVAL \'redis.call("ZREM",KEYS[1],"x")\' 1 {R:0}:o:shop:session:ann',
      'EVAL \'redis.call("DEL",KEYS[1])\' 1 {R:0}:log',
    ],
  ],
  application: [
    ...[
      'LPUSH {R}:commands:wait x',
      'HGETALL {R}:commands:j-1',
      'DEL {R}:revocations:meta',
      'PUBLISH R:results:x y',
    ],
    ...[
      'SCAN 0',
      'SUBSCRIBE R:results:x',
      'PSUBSCRIBE R:results:*',
      'CLIENT LIST',
      'UNLINK {R:0}:t:ID',
      'RENAME {R:0}:t:ID {R:0}:t:x',
    ],
  ],
  producer: [
    ...['EVAL \'redis.call("HSET",KEYS[1],"shards",2)\' 1 {R}:meta'],
    ...[
      'GET {R:0}:t:ID',
      'MGET {R:0}:t:ID',
      'DEL {R:0}:t:ID',
      'SET {R:0}:t:ID x',
      'ZRANGE {R:0}:o:shop:session:ann 0 -1',
    ],
    ...[
      'XRANGE {R:0}:log - +',
      'XADD {R:0}:log * event x',
      'HSET {R}:meta shards 2',
      'PUBLISH R:events:token-revoked:shop:session x',
    ],
    ...[
      'PUBLISH R:results:x y',
      'PSUBSCRIBE R:results:*',
      'PSUBSCRIBE R:events:*:*:*',
      'SUBSCRIBE R:events:token-revoked:shop:session',
      'CLIENT LIST',
      'SCAN 0',
    ],
    ...[
      'DEL {R}:commands:wait',
      'LPUSH {R}:maintenance:wait x',
      'EVAL \'redis.call("DEL",KEYS[1])\' 1 {R:0}:t:ID',
    ],
  ],
  subscriber: [
    ...[
      'GET {R:0}:t:ID',
      'EXISTS {R:0}:t:ID',
      'ZRANGE {R:0}:o:shop:session:ann 0 -1',
      'HGETALL {R}:commands:j-1',
    ],
    ...['XADD {R:0}:log * event x', 'XTRIM {R:0}:log MAXLEN 0', 'DEL {R:0}:log', 'HSET {R}:meta shards 2'],
    ...[
      'PUBLISH R:events:token-revoked:shop:session x',
      'SUBSCRIBE R:results:x',
      'PSUBSCRIBE R:*',
      'PSUBSCRIBE *',
      'CLIENT LIST',
      'SCAN 0',
    ],
    ...[
      'EVAL \'redis.call("DEL",KEYS[1])\' 1 {R:0}:log',
      'EVAL \'return_redis.call("XRANGE",KEYS[1],0,1)\' 1 {R:0}:t:ID',
    ],
  ],
  worker: ['SCAN 0', 'DBSIZE', 'SUBSCRIBE R:results:x', 'PSUBSCRIBE *', 'UNLINK {R:0}:t:ID'],
  operator: ['PSUBSCRIBE *', 'PSUBSCRIBE R:*', 'LRANGE other 0 -1'],
};

/** What nobody may do in the deployment of another prefix, one of which this one’s is the beginning. */
const ELSEWHERE = [
  ...[
    'GET {RX:0}:t:ID',
    'MGET {RX:0}:t:ID',
    'DEL {RX:0}:t:ID',
    'SET {RX:0}:t:ID x',
    'ZCOUNT {RX:0}:o:shop:session:ann 0 1',
  ],
  ...[
    'XRANGE {RX:0}:log - +',
    'HMGET {RX}:meta shards',
    'HSET {RX}:meta shards 2',
    'HGETALL {RX}:commands:j-1',
    'TYPE {RX}:meta',
  ],
  ...[
    'LPUSH {RX}:commands:wait x',
    'PUBLISH RX:events:token-revoked:shop:session x',
    'PUBLISH RX:results:x y',
  ],
  ...[
    'SUBSCRIBE RX:events:token-revoked:shop:session',
    'PSUBSCRIBE RX:events:*:*:*',
    'SUBSCRIBE RX:results:x',
  ],
  ...[
    "EVAL 'return_1' 1 {RX:0}:t:ID",
    'EVAL \'return_redis.call("GET","{RX:0}:t:ID")\' 0',
    'GET plain',
    'SET plain x',
    'GET {R',
    'GET R',
  ],
];

describe('With least privilege', function () {
  this.timeout(30_000);
  const opened = new Opened();
  let users: Awaited<ReturnType<typeof startUsers>>;
  let prefix: string;
  let id: string;

  before(async () => {
    users = await startUsers();
    prefix = freshPrefix();
    for (const each of [prefix, `${prefix}X`]) {
      const tokens = new RedisTokens(users.url, { prefix: each });
      ({ id } = await tokens.create({ ...ANN, duration: 600, customToken: 'known' }));
      await tokens.close();
    }
  });
  after(() => users.stop());

  const words = (line: string): [string, ...string[]] =>
    [...line.replaceAll('ID', id).matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare = '']) =>
      (quoted?.replaceAll('return_', 'return ') ?? bare).replaceAll(/\bR(?=X?[:}]|$)/g, prefix),
    ) as [string, ...string[]];

  for (const role of ROLES) {
    it(`the ${role}’s user may do nothing that it is not for, and nothing to another prefix`, async () => {
      const client = new Redis(await users.urlOf(role, prefix), { protocol: 2 });
      opened.later(client, () => client.disconnect());
      const allowed: string[] = [];
      for (const line of [...NOBODY, ...ELSEWHERE, ...OF_ROLE[role]]) {
        const [command, ...args] = words(line);
        await client.call(command, ...args).then(
          () => allowed.push(line),
          ({ message }: Error) => {
            if (!/^NOPERM|The user executing the script can't/.test(message))
              allowed.push(`${line}: ${message}`);
          },
        );
      }
      assert.deepEqual(allowed, []);
    });
  }

  it('whoever may use the option cache hears of keys that change, and needs to be let', async () => {
    const reader = new Redis(await users.urlOf('reader', prefix, true), { protocol: 2 });
    opened.later(reader, () => reader.disconnect());
    assert.equal(await reader.call('CLIENT', 'TRACKING', 'OFF'), 'OK');
    assert.equal(await reader.subscribe('__redis__:invalidate'), 1);
    const without = opened.add(new RedisTokens(await users.urlOf('reader', prefix), { prefix, cache: {} }));
    await without.ready().then(
      () => assert.fail('it was let'),
      ({ message }: Error) => assert.match(message, /option "cache" needs CLIENT TRACKING .*NOPERM/),
    );
  });

  it('a worker has every command of BullMQ’s scripts that it runs', () => {
    const folder = join(root, 'node_modules/bullmq/dist/esm/scripts');
    const files = readdirSync(folder).filter((file) => file.endsWith('.js'));
    const needed = BULLMQ_SCRIPTS.flatMap((script) => {
      const file = files.find((name) => name.startsWith(`${script}-`));
      assert.isDefined(file, `BullMQ has no script ${script}`);
      const text = readFileSync(join(folder, file as string), 'utf8');
      return [...text.matchAll(/\b(?:rcall|redis\.p?call)\(\s*["'](\w+)["']/g)].map(([, name = '']) =>
        name.toLowerCase(),
      );
    });
    assert.isAbove(new Set(needed).size, 30);
    assert.sameMembers([...WORKING_ON_JOBS], [...new Set([...needed, 'lpush', 'rpush'])]); // a variable names these two
  });

  it('the commands of the library’s own scripts are read from them, whatever way they are called', () => {
    for (const [name, { lua }] of Object.entries(SCRIPTS)) {
      const calls = lua.match(/\b(redis\.p?call|ask_once)\(/g)?.length ?? 0;
      const named = lua.match(/\b(redis\.p?call|ask_once)\(([^,)]* )?'[A-Z]+'/g)?.length ?? 0;
      // Those that ask_once itself is made of name none.
      const unnamed = lua.includes('local function ask_once') ? 2 : 0;
      assert.equal(calls - named, unnamed, name);
    }
    assert.include(commandsOfScripts(Object.keys(SCRIPTS) as ScriptName[]), 'xinfo|stream');
  });
});

const BULLMQ_SCRIPTS = [
  ...[
    'addJobScheduler',
    'extendLock',
    'extendLocks',
    'getCounts',
    'getJobScheduler',
    'getState',
    'getStateV2',
  ],
  ...[
    'isMaxed',
    'moveJobFromActiveToWait',
    'moveStalledJobsToWait',
    'moveToActive',
    'moveToDelayed',
    'moveToFinished',
  ],
  ...[
    'pause',
    'releaseLock',
    'removeJob',
    'removeJobScheduler',
    'reprocessJob',
    'retryJob',
    'saveStacktrace',
  ],
  ...['updateJobScheduler', 'addStandardJob'],
];
