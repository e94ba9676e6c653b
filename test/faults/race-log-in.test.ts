// A log-in right after logging out everywhere is never refused and never ended, through whichever doors.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { RedisTokens, type TokenProducer } from '../../src/index.js';
import { CommandExecutor, executorRules } from '../../src/queue/executor.js';
import { killPrograms, type Program, start } from '../acceptance/processes.js';
import { SCOPE, Stage } from '../queue/stage.js';
import { rejection } from '../support/eventually.js';
import { Sender } from './held-client.js';

const OWNERS = 250; // of each of four ways to log in again: a thousand for each way to log out
const LEASE = 30_000;

/** Two processes reckon Redis' time each for itself: what is issued closer than their error has no order. */
const CLOCK_ERROR = 25; // ms; generous, for a machine that is busy

type Door = Pick<TokenProducer, 'create' | 'deleteAll'>;
type LogOut = (owners: readonly string[]) => Promise<unknown>;
type LogIn = (owners: readonly string[]) => Promise<string[]>;

describe('A log-in', function () {
  this.timeout(120_000);
  const stage = new Stage();
  let tokens: RedisTokens;
  let producer: TokenProducer;
  let batches = 0;

  beforeEach(async () => {
    tokens = stage.opened.add(new RedisTokens(stage.url, { prefix: stage.prefix, cache: {} }));
    producer = stage.producer();
    await stage.startWorker();
    await Promise.all([tokens.ready(), producer.ready()]);
  });

  afterEach(killPrograms);

  const logIn =
    (door: Door): LogIn =>
    async (owners) => {
      const made = await Promise.all(owners.map((owner) => door.create({ ...SCOPE, owner, duration: 600 })));
      return made.map(({ token }) => token);
    };

  const logOut =
    (door: Door): LogOut =>
    (owners) =>
      Promise.all(owners.map((owner) => door.deleteAll({ ...SCOPE, owner })));

  const enqueueLogOut =
    (sender: TokenProducer): LogOut =>
    (owners) =>
      Promise.all(owners.map((owner) => sender.enqueue('deleteAll', { ...SCOPE, owner })));

  it('after a log-out that was awaited or merely enqueued lives, in this and in another process', async () => {
    const programs = await Promise.all([startProgram(false), startProgram(true)]);
    const inOther = programs.map((program) => otherProcess(program));
    for (const [name, out] of Object.entries({
      'awaited in process': logOut(tokens),
      'awaited over the queue': logOut(producer),
      enqueued: enqueueLogOut(producer),
      'enqueued, and late': enqueueLogOut(producer),
    })) {
      const late = name.endsWith('late');
      const ways: [way: string, logIn: LogIn][] = [
        ['in process', logIn(tokens)],
        ['over the queue', logIn(producer)],
        ['in process, elsewhere', inOther[0] as LogIn],
        ['over the queue, elsewhere', inOther[1] as LogIn],
      ];
      for (const [way, enter] of ways) {
        const owners = newOwners();
        await logIn(tokens)(owners);
        if (late) await stage.queue('revocations').pause();
        await wait(CLOCK_ERROR);
        await out(owners);
        const isSameDoor = name.includes('in process') ? way === 'in process' : way === 'over the queue';
        if (!isSameDoor) await wait(CLOCK_ERROR);
        const entered = await enter(owners);
        if (late) await stage.queue('revocations').resume();
        await revocationsOver();
        await alone(owners, entered, `log-out ${name}, log-in ${way}`);
      }
    }
    await runRevocationsAgain();
    for (const program of programs) program.write('', true);
    for (const program of programs) assert.equal((await program.ended).code, 0, program.stderr.join('\n'));
  });

  for (const off of [-120_000, -3_000, 3_000, 4_500]) {
    it(`by a sender whose clock was ${off} ms off and is corrected in between lives`, async () => {
      const sender = new Sender();
      const client = sender.client(stage.url);
      stage.opened.later(client, () => client.disconnect());
      const inProcess = stage.opened.add(new RedisTokens(client, { prefix: stage.prefix }));
      const overQueue = stage.producer({}, client);
      const ways: [name: string, out: LogOut, door: Door & { ready(): Promise<void> }][] = [
        ['over the queue', logOut(overQueue), overQueue],
      ];
      // By a clock that is slow for longer than the time-out, whatever it does in process is late.
      if (off > -5_000) ways.push(['in process', logOut(inProcess), inProcess]);
      // Corrected by seconds, it is still ahead: an enqueued log-out counts as of then, whenever it runs.
      if (off < 0) ways.push(['enqueued', enqueueLogOut(overQueue), overQueue]);
      for (const [name, out, door] of ways) {
        sender.clockOff = off;
        await sender.reconnect();
        await door.ready();
        for (const isCorrected of [false, true]) {
          const owners = newOwners();
          await out(owners);
          if (isCorrected) {
            sender.clockOff = 0;
            await sender.reconnect();
            await door.ready();
          }
          const entered = await logIn(door)(owners);
          await revocationsOver();
          await alone(owners, entered, name);
        }
      }
      await runRevocationsAgain();
    });
  }

  it('that was before it is ended all the same', async () => {
    const owners = newOwners();
    const before = await logIn(tokens)(owners);
    await wait(CLOCK_ERROR);
    await logOut(producer)(owners);
    const error = await rejection(alone(owners, before, ''));
    assert.include(error.message, 'to deeply equal');
  });

  function newOwners(): string[] {
    batches++;
    return Array.from({ length: OWNERS }, (_, i) => `owner-${batches}-${i}`);
  }

  const live = new Map<string, string>();

  /** Each owner has the token of the new log-in, and no other. */
  async function alone(owners: readonly string[], entered: readonly string[], what: string): Promise<void> {
    const expected = entered.map((token) => [tokens.idOf({ ...SCOPE, token })]);
    const lists = await Promise.all(owners.map((owner) => tokens.list({ ...SCOPE, owner })));
    assert.deepEqual(
      lists.map((list) => list.map(({ id }) => id)),
      expected,
      what,
    );
    for (const [i, owner] of owners.entries()) live.set(owner, entered[i] as string);
  }

  async function revocationsOver(): Promise<void> {
    const queue = stage.queue('revocations');
    for (;;) {
      const { wait: waiting, active } = await queue.getJobCounts('wait', 'active');
      if (waiting === 0 && active === 0) return;
      await wait(5);
    }
  }

  /** As they would when their worker had died, and again when nobody remembers what was decided. */
  async function runRevocationsAgain(): Promise<void> {
    const executor = new CommandExecutor(stage.repository(), executorRules({ prefix: stage.prefix }));
    for (const isForgotten of [false, true]) {
      const keys = await stage.redis.keys(`{${stage.prefix}:0}:job:*`);
      if (isForgotten && keys.length > 0) await stage.redis.del(keys);
      for (const { id, data } of await stage.queue('revocations').getCompleted()) {
        await executor.execute({ lane: 'revocations', id: id as string, data }, LEASE, async () => {});
      }
    }
    const entries = [...live];
    live.clear();
    await alone(
      entries.map(([owner]) => owner),
      entries.map(([, token]) => token),
      'run again',
    );
    live.clear();
  }

  async function startProgram(queued: boolean): Promise<Program> {
    const file = join(import.meta.dirname, 'processes/log-in.ts');
    const args = { url: stage.url, prefix: stage.prefix, queued, ...SCOPE };
    const program = start(['--import', 'tsx', file, JSON.stringify(args)]);
    await program.line('ready');
    return program;
  }

  function otherProcess(program: Program): LogIn {
    return async (owners) => {
      const batch = `batch-${batches}`;
      program.write(`${JSON.stringify({ batch, owners })}\n`);
      const line = await program.line(`${batch} `);
      return JSON.parse(line.slice(batch.length + 1)) as string[];
    };
  }
});
