// A token that may be used once is used once, however many processes try at the same time, and through whichever door.
import { assert } from 'chai';
import { type Deployment, openDeployment } from './deployment.js';
import { killPrograms, startProgram } from './processes.js';

const SCOPE = { app: 'shop', type: 'reset' };
const PROCESSES = 4;
const TIMES = 50;

describe('A token that is consumed by many processes at once', function () {
  this.timeout(60_000);
  let deployment: Deployment;

  beforeEach(async () => {
    deployment = await openDeployment();
  });

  afterEach(async () => {
    killPrograms();
    await deployment.close();
  });

  for (const [name, isQueued] of [
    ['in process', () => false],
    ['over the queue', () => true],
    ['through both doors', (i: number) => i % 2 === 0],
  ] as const) {
    it(`is answered to one of ${PROCESSES * TIMES} (${name})`, async () => {
      const { tokens, url, prefix } = deployment;
      const { token, id } = await tokens.create({ ...SCOPE, owner: 'ann', duration: 600 });
      const programs = Array.from({ length: PROCESSES }, (_, i) =>
        startProgram('consumer', { url, prefix, ...SCOPE, token, queued: isQueued(i), times: TIMES }),
      );
      await Promise.all(programs.map((program) => program.line('ready')));
      for (const program of programs) program.write('go\n');
      const got = await Promise.all(programs.map((program) => program.line('got ')));
      assert.equal(
        got.reduce((sum, line) => sum + Number(line.slice(4)), 0),
        1,
      );
      assert.isUndefined(await tokens.get({ ...SCOPE, token }));
      const ends = (await deployment.events()).filter(({ type }) => type === 'token-revoked');
      assert.deepEqual(
        ends.map(({ subject, data }) => [subject, data.reason]),
        [[id, 'used']],
      );
    });
  }
});
