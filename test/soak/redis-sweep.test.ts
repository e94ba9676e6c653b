// The worker's sweep outlives what befalls Redis: what is overdue is ended, be the queue refused or lost.
import { TokenWorker } from '../../src/index.js';
import { admit, type Patient } from '../faults/redis-patient.js';
import { eventually } from '../support/eventually.js';
import { Opened } from '../support/opened.js';
import { freshPrefix } from '../support/redis.js';

const SCOPE = { app: 'shop', type: 'session' };
/** Milliseconds: more than a sweep takes to be planned again. */
const PATIENCE = 45_000;

describe('The sweep of a worker that runs', function () {
  this.timeout(120_000);
  const opened = new Opened();
  let patient: Patient;
  let prefix: string;

  beforeEach(async () => {
    patient = await admit(opened, ['--save', '']);
    prefix = freshPrefix();
    const worker = opened.add(new TokenWorker({ connection: patient.server.url, prefix }));
    await worker.start();
  });

  /** Makes a token, which is soon overdue. */
  const make = (duration: number) =>
    patient.open(patient.server.url, prefix, 5_000).create({ ...SCOPE, owner: 'ann', duration });

  const isTold = (id: string) =>
    eventually(
      'its end is told',
      async () => {
        const entries = await patient.nurse.xrange(`{${prefix}:0}:log`, '-', '+');
        return entries.some(([, [, event]]) => event?.includes(`"type":"token-expired","subject":"${id}"`));
      },
      PATIENCE,
    );
  const fill = () => patient.nurse.config('SET', 'maxmemory', '1');
  const relieve = () => patient.nurse.config('SET', 'maxmemory', '0');

  it('goes on in a database that was emptied', async () => {
    await patient.nurse.flushall();
    await isTold((await make(0.05)).id);
  });

  it('goes on on a server that came back empty', async () => {
    await patient.restart();
    await isTold((await make(0.05)).id);
  });

  it('ends what is overdue while the memory is full', async () => {
    const { id } = await make(1);
    await fill();
    await isTold(id);
  });

  it('goes on once memory that was full is free again', async () => {
    const { id } = await make(1);
    await fill();
    const delayed = () => patient.nurse.zcard(`{${prefix}}:maintenance:delayed`);
    await eventually('the next sweep could not be planned', async () => (await delayed()) === 0, PATIENCE);
    await relieve();
    await isTold(id);
    await isTold((await make(0.05)).id);
  });
});
