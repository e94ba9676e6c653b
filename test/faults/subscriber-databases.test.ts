// Deployments of one prefix in several databases of a server are apart: PUBLISH knows no databases, subscribers do.
import { assert } from 'chai';
import { RedisTokens } from '../../src/index.js';
import { Ear, type Heard, SCOPE } from '../events/ear.js';
import { eventually } from '../support/eventually.js';
import { revocations } from './subscriber-crowd.js';

const ROUNDS = 30;
const EACH = 50;

describe('Subscribers of two databases of one server, with the same prefix', function () {
  this.timeout(30_000);
  const ear = new Ear();

  /** One deployment: its tokens, and the revocations that are expected to be heard. */
  async function open(database: number) {
    const url = new URL(ear.url);
    url.pathname = `/${database}`;
    const tokens = ear.opened.add(new RedisTokens(url.href, { prefix: ear.prefix }));
    await tokens.ready();
    const ids: string[] = [];
    const revokeSome = async () => {
      const create = () => tokens.create({ ...SCOPE, owner: 'ann', duration: 600 });
      const made = await Promise.all(Array.from({ length: EACH }, create));
      ids.push(...made.map(({ id }) => id));
      const ended = await Promise.all(made.map(({ token }) => tokens.delete({ ...SCOPE, token })));
      assert.notInclude(ended, false);
    };
    return { ids, revokeSome, heard: await ear.listen({}, url.href) };
  }

  const subjects = (heard: Heard) => revocations(heard).map(({ subject }) => subject);

  it('hear of each revocation in their own, once, and of none in the other', async () => {
    const deployments = [await open(0), await open(1)];
    // At the same time, so that entries of both logs have the same ids.
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(deployments.map(({ revokeSome }) => revokeSome()));
    }
    for (const { heard, ids } of deployments) {
      await eventually('all is heard', () => new Set(subjects(heard)).size >= ids.length).catch(() => {});
      assert.sameMembers(subjects(heard), ids);
      assert.deepEqual(heard.lost, []);
    }
  });
});
