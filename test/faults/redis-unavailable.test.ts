// Whatever is wrong with Redis, an operation rejects in time and tells the truth about it; and all is well when it has passed.
import { assert } from 'chai';
import { ConfigError, StoreUnavailableError } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';
import { serverTime } from '../support/time-travel.js';
import { AILMENTS, type Ailment, OBSTACLES } from './redis-ailments.js';
import { admit, type Patient } from './redis-patient.js';
import { type Attempted, isChange, OPERATIONS, shown, Trial, through, verdict } from './redis-trial.js';

const TIMEOUT = 500;
/** Milliseconds in which every call must settle, also on a machine that has much to do. */
const BOUND = 3 * TIMEOUT;
/** Milliseconds, far more than the error of the reckoned clock. */
const MARGIN = 200;
/** Milliseconds in which what comes back is found: the longest wait between two attempts to connect, and some. */
const RECOVERY = 2_000;

describe('While a Redis server', () => {
  const opened = new Opened();

  for (const ailment of AILMENTS) {
    it(`${ailment.name}, operations fail closed, and work again afterwards`, async () => {
      const patient = await admit(opened);
      await treat(ailment, patient, patient.server.url);
    });
  }

  it('was never there, operations reject with nothing done', async () => {
    const patient = await admit(opened);
    const prefix = freshPrefix();
    const trial = new Trial(patient.nurse, prefix);
    const subjects = await trial.prepare(patient.open(patient.server.url, prefix, TIMEOUT));
    const nowhere = patient.open('redis://127.0.0.1:1', prefix, TIMEOUT);
    for (const attempted of await trial.run(subjects, through(nowhere))) {
      checkTold(attempted, { outcome: 'none' });
    }
    await trial.check();
  });
});

describe('While the way to Redis', () => {
  const opened = new Opened();

  for (const obstacle of OBSTACLES) {
    it(`${obstacle.name}, operations fail closed, and work again afterwards`, async () => {
      const patient = await admit(opened);
      await treat(obstacle, patient, patient.way.url);
    });
  }
});

async function treat(ailment: Ailment, patient: Patient, url: string): Promise<void> {
  const prefix = freshPrefix();
  const trial = new Trial(patient.nurse, prefix);
  const healthy = patient.open(patient.server.url, prefix, TIMEOUT);
  const warm = patient.open(url, prefix, TIMEOUT);
  await warm.ready();
  const [whileIll, anew, againWarm, againFresh] = [
    await trial.prepare(healthy),
    await trial.prepare(healthy),
    await trial.prepare(healthy),
    await trial.prepare(healthy),
  ];
  await healthy.close();

  const end = await ailment.begin(patient);
  const fresh = patient.open(url, prefix, TIMEOUT);
  const [old, young] = await Promise.all([
    trial.run(whileIll, through(warm)),
    trial.run(anew, through(fresh)),
  ]);
  for (const attempted of old) checkTold(attempted, ailment);
  for (const attempted of young) checkTold(attempted, expectedAnew(ailment));

  await end();
  for (const tokens of [warm, fresh]) {
    const isBack = () =>
      tokens.ready().then(
        () => true,
        () => false,
      );
    await eventually('it serves again', isBack, RECOVERY);
  }
  const again = [
    ...(await trial.run(againWarm, through(warm))),
    ...(await trial.run(againFresh, through(fresh))),
  ];
  for (const attempted of again) {
    assert.isUndefined(attempted.error, shown(attempted));
  }
  await trial.check();
  // Nothing that was rejected is still under way: by now its time is up.
  const now = await serverTime(patient.nurse);
  await eventually(
    'every deadline has passed',
    async () => (await serverTime(patient.nurse)) > now + TIMEOUT + MARGIN,
  );
  await trial.check();
}

type Expected = Pick<Ailment, 'serves' | 'mayServe' | 'outcome' | 'isConfig'>;

function expectedAnew(ailment: Ailment): Expected {
  if (ailment.spares) return { serves: OPERATIONS };
  if (ailment.admits) return ailment;
  return { outcome: 'none', ...(ailment.isConfig && { isConfig: true }) };
}

function checkTold(attempted: Attempted, { serves = [], mayServe = [], outcome, isConfig }: Expected): void {
  const what = shown(attempted);
  assert.isBelow(attempted.ms, BOUND, what);
  if (attempted.error === undefined && mayServe.includes(attempted.name)) return;
  if (serves.includes(attempted.name)) {
    assert.isUndefined(attempted.error, what);
    return;
  }
  assert.instanceOf(attempted.error, isConfig ? ConfigError : StoreUnavailableError, what);
  if (!isChange(attempted.name)) {
    if (!isConfig) assert.equal((attempted.error as StoreUnavailableError).outcome, 'none', what);
  } else if (outcome) {
    assert.equal(verdict(attempted), outcome, what);
  }
}
