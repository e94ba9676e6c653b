// From a revocation's enqueueing to a subscriber's listener: when nothing else is to be done, and past a backlog.
import { setTimeout as wait } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import { createOf, enqueue, jobsUnderWay, waitingJobs } from '../commands.js';
import { fill } from '../fill.js';
import { secondsSince } from '../load.js';
import { quantile, type Row } from '../measure.js';
import { APP, ownerOf, TYPE } from '../payload.js';
import { ours, TokenProducer, TokenSubscriber } from '../peers/ours.js';
import { Child } from '../processes/child.js';

/** Milliseconds between two revocations, which do not wait for one another: one that is slow must not hide the next. */
const PAUSE = 5;

/** And where nothing else is to be done: longer than a subscriber's pace, which is no waiting for the one before. */
const IDLE_PAUSE = 10;

export async function revocation({ redis, plan, log }: Bench): Promise<Row[]> {
  const subject = ours(redis.url());
  const producer = new TokenProducer(redis.url());
  const subscriber = new TokenSubscriber(redis.url(), { app: APP });
  const heard = new Map<string, () => void>();
  subscriber.on('token-revoked', (event) => heard.get(event.subject)?.());

  /** Milliseconds. */
  const revoke = async (token: string): Promise<number> => {
    const id = subject.tokens.idOf({ app: APP, type: TYPE, token });
    const told = new Promise<void>((resolve) => heard.set(id, resolve));
    const begin = process.hrtime.bigint();
    await producer.enqueue('delete', { app: APP, type: TYPE, token });
    await told;
    heard.delete(id);
    return secondsSince(begin) * 1_000;
  };

  const idle = async (worker: Child): Promise<number[]> => {
    const figures: number[] = [];
    await worker.ask('start');
    for (const token of await fill(subject, plan.awaited)) {
      figures.push(await revoke(token));
      await wait(IDLE_PAUSE);
    }
    await worker.ask('close');
    return figures;
  };

  const busy = async (worker: Child): Promise<number[]> => {
    const revocations: Promise<number>[] = [];
    const tokens = await fill(subject, plan.awaited * 4);
    // By another service, which is gone: its results are not ours to read while we listen.
    const other = new TokenProducer(redis.url());
    await enqueue(other, plan.backlog, createOf(ownerOf));
    await other.close();
    await worker.ask('start');
    while ((await waitingJobs(redis.client)) > 0) {
      const token = tokens.pop();
      if (token !== undefined) revocations.push(revoke(token));
      await wait(PAUSE);
    }
    const figures = await Promise.all(revocations);
    while ((await jobsUnderWay(redis.client)) > 0) await wait(PAUSE);
    await worker.ask('close');
    return figures;
  };

  const worker = await Child.start('token-worker', redis.url());
  try {
    await subscriber.start();
    await idle(worker);
    const runs: { idle: number[]; busy: number[] }[] = [];
    for (let run = 0; run < plan.runs; run += 1) {
      runs.push({ idle: await idle(worker), busy: await busy(worker) });
    }
    log(`revocations heard past a backlog: ${runs.map((run) => run.busy.length).join(', ')}`);
    const each = (what: 'idle' | 'busy', part: number) => runs.map((run) => quantile(run[what], part));
    const waiting = `while ${plan.backlog.toLocaleString('en')} creates wait`;
    const shared = { group: 'revocation', unit: 'ms', peer: [], against: '' };
    return [
      { ...shared, name: 'revocation heard, p50', ours: each('idle', 0.5), target: undefined },
      { ...shared, name: 'revocation heard, p99', ours: each('idle', 0.99), target: undefined },
      { ...shared, name: `revocation heard ${waiting}, p50`, ours: each('busy', 0.5), target: undefined },
      { ...shared, name: `revocation heard ${waiting}, p99`, ours: each('busy', 0.99), target: { most: 50 } },
      {
        ...shared,
        name: `revocation heard ${waiting}, p99`,
        ours: each('busy', 0.99),
        peer: each('idle', 0.5),
        against: 'p50 when nothing waits',
        target: { most: 10 },
      },
    ];
  } finally {
    await worker.end();
    await Promise.all([subject.close(), producer.close(), subscriber.close()]);
  }
}
