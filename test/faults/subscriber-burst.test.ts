// A burst of revocations is heard once each, by a subscriber of a Cluster as of a single server.
import { assert } from 'chai';
import { type SinonFakeTimers, useFakeTimers } from 'sinon';
import { RedisTokens } from '../../src/index.js';
import type { Connection } from '../../src/redis/connection.js';
import { Ear, SCOPE } from '../events/ear.js';
import { openCluster } from '../support/cluster.js';
import { eventually } from '../support/eventually.js';
import { revocations } from './subscriber-crowd.js';

const BURST = 20_000;

describe(`Of ${BURST.toLocaleString('en')} revocations at once`, function () {
  this.timeout(60_000);
  const ear = new Ear();
  /** Of what happens at intervals: the log is read when the test says so. */
  let clock: SinonFakeTimers;
  beforeEach(() => {
    clock = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => clock.restore());

  async function hearBurst(connection: Connection): Promise<void> {
    const tokens = ear.opened.add(new RedisTokens(connection, { prefix: ear.prefix }));
    const create = (owner: string) => tokens.create({ ...SCOPE, owner, duration: 600 });
    const ids: string[] = [];
    for (let made = 0; made < BURST; made += 1_000) {
      const created = await Promise.all(Array.from({ length: 1_000 }, () => create('ann')));
      ids.push(...created.map(({ id }) => id));
    }
    const heard = await ear.listen({}, connection);
    assert.equal(await tokens.deleteAll({ ...SCOPE, owner: 'ann' }), BURST);
    await eventually('all is heard', () => revocations(heard).length >= BURST, 20_000);
    clock.tick(5_000);
    await create('last'); // behind whatever that reading of the log repeats
    await eventually('it is heard', () => heard.events.at(-1)?.data.owner === 'last', 20_000);
    const subjects = revocations(heard).map(({ subject }) => subject);
    assert.lengthOf(subjects, BURST);
    assert.sameMembers(subjects, ids);
    assert.deepEqual(heard.lost, []);
  }

  it('each is heard once, on a single server', () => hearBurst(ear.url));

  it('each is heard once, on a Cluster', async () => {
    const { url } = await openCluster(ear.opened);
    await hearBurst(url);
  });
});
