// A process that is killed while it hears of revocations, and started again with the cursor that it kept, misses none.
import { assert } from 'chai';
import { compareIds, parseCursor } from '../../src/events/shard-cursor.js';
import { killPrograms, type Program, start } from '../acceptance/processes.js';
import { Ear } from '../events/ear.js';
import { eventually } from '../support/eventually.js';
import { gather, openClients, revoke } from './subscriber-crowd.js';

const SHARDS = 4;
const KILLS = 3;
const PROGRAM = 'test/faults/processes/resuming-subscriber.ts';

describe('A subscriber whose process is killed and started again', function () {
  this.timeout(60_000);
  const ear = new Ear();
  afterEach(killPrograms);

  const told = (program: Program, kind: string) =>
    program.stdout.filter((line) => line.startsWith(`${kind} `)).map((line) => line.split(' ')[1] as string);
  const isBehind = (id: string, cursor: string) => {
    const [shard, place] = [Number(id.split('-')[0]), id.slice(id.indexOf('-') + 1)];
    return compareIds(place, (parseCursor(cursor) as string[])[shard] as string) > 0;
  };

  it(`${KILLS} times in their midst covers every revocation, and repeats only what was not settled`, async () => {
    const clients = await openClients(ear, SHARDS);
    const crowd = await gather(clients, 120, 10);
    let from = (await ear.listen()).subscriber.cursor;
    const done: string[] = [];

    const run = async (until: (program: Program) => Promise<unknown>) => {
      const args = JSON.stringify({ url: ear.url, prefix: ear.prefix, from });
      const program = start(['--import', 'tsx', PROGRAM, args]);
      await program.line('ready');
      await until(program);
      program.kill('SIGKILL');
      assert.equal((await program.ended).signal, 'SIGKILL', program.stderr.join('\n'));
      assert.deepEqual(told(program, 'lost'), []);
      const begun = told(program, 'begun');
      assert.deepEqual(
        begun.filter((id) => !isBehind(id, from)),
        [],
        'nothing before the cursor that it was given is heard again',
      );
      assert.equal(new Set(begun).size, begun.length, 'nothing twice in one run');
      const settled = told(program, 'done');
      done.push(...settled);
      const cursor = told(program, 'cursor').at(-1) ?? from;
      const unsettled = begun.filter((id) => !settled.includes(id));
      assert.isTrue(
        unsettled.every((id) => isBehind(id, cursor)),
        'the cursor is before all that was not settled',
      );
      from = cursor;
      return unsettled.length;
    };

    let interrupted = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const owners = crowd.owners.slice(kill * 30, (kill + 1) * 30);
      interrupted += await run(async (program) => {
        const revoking = revoke(clients, { ...crowd, owners });
        // A while after the first, while the rest is still being revoked or listened to.
        await program.line('done');
        await Promise.race([revoking, lines(program, 'done', 100)]);
        program.kill('SIGKILL');
        await revoking;
      });
    }
    await revoke(clients, { ...crowd, owners: crowd.owners.slice(KILLS * 30) });
    const expected = new Set(await logged());
    assert.equal(expected.size, crowd.ids.length);
    await run((program) =>
      eventually(
        'all is settled',
        () => {
          const cursor = told(program, 'cursor').at(-1);
          return cursor !== undefined && [...expected].every((id) => !isBehind(id, cursor));
        },
        20_000,
      ),
    );

    assert.isAbove(interrupted, 0, 'listeners that a kill interrupted');
    assert.sameMembers([...new Set(done)], [...expected]);
    assert.isEmpty([...expected].filter((id) => isBehind(id, from)));
    await run((program) => program.line('cursor'));
  });

  const lines = (program: Program, kind: string, count: number) =>
    eventually(`${count} are ${kind}`, () => told(program, kind).length >= count, 20_000);

  async function logged(): Promise<string[]> {
    const ids: string[] = [];
    for (let shard = 0; shard < SHARDS; shard++) {
      for (const [id, [, event]] of await ear.redis.xrange(ear.logKey(shard), '-', '+')) {
        if (JSON.parse(event as string).type === 'token-revoked') ids.push(`${shard}-${id}`);
      }
    }
    return ids;
  }
});
