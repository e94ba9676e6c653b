// An owner never has more tokens than the limit says, however many processes create at once, and through whichever doors.
import { join } from 'node:path';
import { assert } from 'chai';
import { type OwnerLimit, RedisTokens, type TokenEvent } from '../../src/index.js';
import { ownerShard } from '../../src/tokens/identity.js';
import { killPrograms, type Program, start } from '../acceptance/processes.js';
import { SCOPE, Stage } from '../queue/stage.js';

const MAX = 5;
const EACH = 40; // creates of each process for each owner, all at once
const OWNERS = 12;
const SHARDS = 4;

describe('Creates of several processes under a limit', function () {
  this.timeout(60_000);
  const stage = new Stage();
  let tokens: RedisTokens;
  let programs: Program[];

  beforeEach(async () => {
    tokens = stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix, shards: SHARDS }));
    await Promise.all([
      stage.startWorker({ shards: SHARDS }),
      stage.startWorker({ shards: SHARDS }),
      tokens.ready(),
    ]);
    programs = await Promise.all([false, false, true, true].map(startProgram));
  });

  afterEach(killPrograms);

  it('never make more than it allows, and make that many', async () => {
    for (let i = 0; i < OWNERS; i++) {
      const owner = `owner ${i}`;
      const answers = await all(owner, { max: MAX });
      const made = answers.filter((answer) => answer.startsWith('rt_'));
      const refused = answers.filter((answer) => answer === 'LIMIT_EXCEEDED');
      assert.lengthOf(made, MAX);
      assert.lengthOf(refused, answers.length - MAX, 'each other one was refused for the limit');
      await check(owner, made, true);
    }
  });

  it('that end the oldest leave as many as it allows, and there never were more', async () => {
    for (let i = 0; i < OWNERS; i++) {
      const owner = `owner ${i}`;
      const answers = await all(owner, { max: MAX, overflow: 'end-oldest' });
      for (const answer of answers) assert.match(answer, /^rt_/);
      await check(owner, answers, false);
    }
  });

  /** Those that live are of what was made, and by the log there never were more. */
  async function check(owner: string, made: readonly string[], allLive: boolean): Promise<void> {
    const live = (await tokens.list({ ...SCOPE, owner })).map(({ id }) => id);
    assert.lengthOf(live, MAX);
    assert.equal(await tokens.count({ ...SCOPE, owner }), MAX);
    const ids = made.map((token) => tokens.idOf({ ...SCOPE, token }));
    if (allLive) assert.sameMembers(live, ids);
    else assert.includeMembers(ids, live);
    const living = new Set<string>();
    for (const { type, subject, data } of await events(owner)) {
      if (type === 'token-created') living.add(subject);
      else assert.isTrue(type === 'token-revoked' && data.reason === 'limit' && living.delete(subject));
      assert.isAtMost(living.size, MAX);
    }
    assert.sameMembers([...living], live);
  }

  async function events(owner: string): Promise<TokenEvent[]> {
    const shard = ownerShard(SCOPE.app, SCOPE.type, owner, SHARDS);
    const entries = await stage.redis.xrange(`{${stage.prefix}:${shard}}:log`, '-', '+');
    const told = entries.map(([, [, event]]) => JSON.parse(event as string) as TokenEvent);
    return told.filter(({ data }) => data.owner === owner);
  }

  /** What came of the creates of all processes. */
  async function all(owner: string, limit: OwnerLimit): Promise<string[]> {
    const batch = `batch-${owner.replace(' ', '-')}`;
    for (const program of programs)
      program.write(`${JSON.stringify({ batch, owner, count: EACH, limit })}\n`);
    const lines = await Promise.all(programs.map((program) => program.line(`${batch} `)));
    return lines.flatMap((line) => JSON.parse(line.slice(batch.length + 1)) as string[]);
  }

  async function startProgram(queued: boolean): Promise<Program> {
    const file = join(import.meta.dirname, 'processes/limited.ts');
    const args = { url: stage.url, prefix: stage.prefix, shards: SHARDS, queued, ...SCOPE };
    const program = start(['--import', 'tsx', file, JSON.stringify(args)]);
    await program.line('ready');
    return program;
  }
});
