// Whatever is wrong with Redis, commands are told the truth about as well, and the worker goes on when it has passed.
import { assert } from 'chai';
import {
  ConfigError,
  type ReceiptData,
  ResultTimeoutError,
  StoreUnavailableError,
  TokenProducer,
  TokenWorker,
} from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { AILMENTS, type Ailment, OBSTACLES } from './redis-ailments.js';
import { admit, type Patient } from './redis-patient.js';
import { type Attempted, type Call, type Subject, shown, Trial, through } from './redis-trial.js';

const TIMEOUT = 500;
/** Milliseconds in which every call must settle: to become ready, to enqueue and to wait have a time-out each. */
const BOUND = 4 * TIMEOUT;
/** Milliseconds in which the worker is at work again. */
const RECOVERY = 5_000;

/** Resolves to a receipt. */
const enqueue =
  (producer: TokenProducer): Call =>
  (name, input) =>
    producer.enqueue(name as 'create', input);

describe('While a Redis server', function () {
  this.timeout(60_000);
  const opened = new Opened();
  for (const ailment of AILMENTS) {
    it(`${ailment.name}, commands fail closed, and all that was enqueued is run once afterwards`, async () => {
      const patient = await admit(opened);
      await treat(ailment, patient, patient.server.url);
    });
  }
  for (const obstacle of OBSTACLES) {
    it(`is well but the producer’s way to it ${obstacle.name}, the same holds`, async () => {
      const patient = await admit(opened);
      await treat(obstacle, patient, patient.way.url);
    });
  }

  async function treat({ begin, isConfig }: Ailment, patient: Patient, url: string): Promise<void> {
    const prefix = freshPrefix();
    const trial = new Trial(patient.nurse, prefix);
    const worker = opened.add(new TokenWorker({ connection: patient.server.url, prefix }));
    await worker.start();
    const producer = opened.add(new TokenProducer(url, { prefix, timeout: TIMEOUT }));
    const healthy = patient.open(patient.server.url, prefix, 5_000);
    const commands = async () => (await trial.prepare(healthy)).filter(({ name }) => name !== 'ready');
    const [awaited, enqueued, anew, again] = [
      await trial.prepare(healthy),
      await commands(),
      await commands(),
      await commands(),
    ];
    await producer.list({ app: 'shop', type: 'session', owner: 'nobody' }); // every connection is there
    await healthy.close();

    const end = await begin(patient);
    const fresh = opened.add(new TokenProducer(url, { prefix, timeout: TIMEOUT }));
    const told = await Promise.all([
      trial.run(awaited, through(producer)),
      attempt(enqueued, enqueue(producer)),
      attempt(anew, enqueue(fresh)),
    ]);
    for (const attempted of told.flat()) checkTold(attempted, isConfig);
    await end();

    for (const door of [producer, fresh]) {
      const isBack = () =>
        door.ready().then(
          () => true,
          () => false,
        );
      await eventually('it can be reached again', isBack, RECOVERY);
    }
    const nobody = { app: 'shop', type: 'session', owner: 'nobody' };
    await eventually('the worker is at work again', () => producer.list(nobody).catch(() => false), RECOVERY);
    for (const attempted of await trial.run(again, (name, input) => through(fresh)(name, input))) {
      assert.isUndefined(attempted.error, shown(attempted));
    }
    // What has a receipt is run; of the rest the audit tells.
    const [, first, second] = told;
    for (const attempted of [...first, ...second]) {
      if (attempted.error !== undefined) trial.record(attempted);
      else await trial.run([subjectOf(attempted, [...enqueued, ...anew])], resultOf(fresh, attempted));
    }
    await eventually('no job is left', async () => (await jobsLeft(patient, prefix)) === 0, 40_000);
    await trial.check();
  }
});

async function attempt(subjects: readonly Subject[], call: Call): Promise<Attempted[]> {
  return Promise.all(
    subjects.map(async ({ name, id, input }) => {
      const begun = performance.now();
      const ended = () => performance.now() - begun;
      return call(name, input as never).then(
        (value) => ({ name, id, ms: ended(), value }),
        (error) => ({ name, id, ms: ended(), error }),
      );
    }),
  );
}

const subjectOf = ({ id, name }: Attempted, subjects: readonly Subject[]): Subject =>
  subjects.find((subject) => subject.id === id && subject.name === name) as Subject;

const resultOf =
  (producer: TokenProducer, { value }: Attempted): Call =>
  () =>
    producer.result(value as ReceiptData, { timeout: 40_000 });

function checkTold(attempted: Attempted, isConfig = false): void {
  const what = shown(attempted);
  assert.isBelow(attempted.ms, BOUND, what);
  const { error } = attempted;
  if (error === undefined) return; // it got through: whether that is true is seen afterwards
  if (error instanceof ResultTimeoutError) return;
  assert.instanceOf(error, isConfig ? ConfigError : StoreUnavailableError, what);
}

/** Jobs that are not over. */
async function jobsLeft({ nurse }: Patient, prefix: string): Promise<number> {
  let left = 0;
  for (const lane of ['commands', 'revocations']) {
    const key = (state: string) => `{${prefix}}:${lane}:${state}`;
    left +=
      (await nurse.llen(key('wait'))) +
      (await nurse.llen(key('active'))) +
      (await nurse.zcard(key('delayed')));
    assert.equal(await nurse.zcard(key('failed')), 0, 'no job fails for good');
  }
  return left;
}
