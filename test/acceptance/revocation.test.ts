// Once a revocation has resolved, no read that begins later sees the token: in any process, through any door.
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { RedisTokens } from '../../src/index.js';
import { Opened } from '../support/opened.js';
import { type Deployment, openDeployment } from './deployment.js';
import type { Read } from './processes/reader.js';
import type { Revocation } from './processes/revoker.js';
import { killPrograms, type Program, startProgram } from './processes.js';

const SCOPE = { app: 'shop', type: 'session' };
const OWNERS = 60;
const TOKENS_EACH = 4;
const READERS = 8;
const READS = 1_000; // of each reader
const TTL = 5_000; // ms, of the near cache

describe('A revocation', function () {
  this.timeout(120_000);
  let deployment: Deployment;
  const opened = new Opened();

  before(async () => {
    deployment = await openDeployment();
  });

  after(() => deployment.close());

  afterEach(killPrograms);

  it('that has resolved is seen by every later read of every process', async () => {
    const { url, prefix, tokens } = deployment;
    const made = await Promise.all(
      Array.from({ length: OWNERS * TOKENS_EACH }, (_, i) =>
        tokens.create({ ...SCOPE, owner: `owner-${i % OWNERS}`, duration: 600 }),
      ),
    );
    const secrets = made.map(({ token }) => token);
    const owners = [...new Set(made.map(({ owner }) => owner))];
    // A third of the owners to each revoker: token by token, all at once, and both over the queue.
    const third = (n: number) => owners.filter((_, i) => i % 3 === n);
    const tokensOf = (names: string[]) =>
      made.flatMap(({ owner }, i) => (names.includes(owner) ? [{ index: i, token: secrets[i] }] : []));
    const indexesOf = (owner: string) => made.flatMap((token, i) => (token.owner === owner ? [i] : []));
    const ownersOf = (names: string[]) => names.map((owner) => ({ owner, indexes: indexesOf(owner) }));
    const [first, second, last] = [third(0), third(1), third(2)];
    const readers = Array.from({ length: READERS }, () =>
      startProgram('reader', { url, prefix, ...SCOPE, secrets, reads: READS }),
    );
    const revokers = [
      startProgram('revoker', { url, prefix, ...SCOPE, queued: false, tokens: tokensOf(first), owners: [] }),
      startProgram('revoker', { url, prefix, ...SCOPE, queued: false, tokens: [], owners: ownersOf(second) }),
      startProgram('revoker', {
        url,
        prefix,
        ...SCOPE,
        queued: true,
        tokens: tokensOf(last.slice(0, 10)),
        owners: ownersOf(last.slice(10)),
      }),
    ];
    await Promise.all([...readers, ...revokers].map((program) => program.line('ready')));
    for (const program of [...readers, ...revokers]) program.write('go\n');

    const revocations = (await Promise.all(revokers.map((program) => told<Revocation>(program)))).flat();
    const reads = await Promise.all(readers.map((program) => told<Read>(program)));
    const resolved = new Map(revocations.map(({ index, end }) => [index, BigInt(end)]));
    assert.equal(resolved.size, secrets.length);

    let [seen, early, late] = [0, 0, 0];
    const wrong: string[] = [];
    for (const read of reads.flat()) {
      const end = resolved.get(read.index) as bigint;
      const begun = BigInt(read.begun);
      if (read.seen) seen++;
      if (begun <= end) early++;
      else if (begun < end + 50_000_000n) late++; // soon enough to catch what is only a little stale
      if (begun > end && read.seen) wrong.push(`token ${read.index} was seen ${begun - end} ns after`);
    }
    assert.deepEqual(wrong, []);
    // Otherwise the test would have looked away.
    assert.isAbove(seen, 100, 'reads that saw their token');
    assert.isAbove(early, 100, 'reads before the revocation');
    assert.isAbove(late, 100, 'reads within 50 ms after the revocation');
    for (const [i, ofOne] of reads.entries()) {
      assert.isAtLeast(ofOne.length, READS);
      assert.isAbove(ofOne.filter((read) => read.seen).length, 10, `tokens that reader ${i} saw`);
    }
  });

  it('that has resolved is seen by every later read of its own process, with the near cache too', async () => {
    const { url, prefix, tokens } = deployment;
    const cache = { ttl: TTL };
    const near = opened.add(new RedisTokens(url, { prefix, cache }));
    await near.ready();
    const made = await Promise.all(
      Array.from({ length: OWNERS * TOKENS_EACH }, (_, i) =>
        tokens.create({ ...SCOPE, owner: `near-${i % OWNERS}`, duration: 600 }),
      ),
    );
    const secrets = made.map(({ token }) => token);
    const readers = [1, 2].map(() =>
      startProgram('reader', { url, prefix, ...SCOPE, secrets, reads: READS, cache }),
    );
    await Promise.all(readers.map((program) => program.line('ready')));
    for (const program of readers) program.write('go\n');

    const resolved = new Map<number, bigint>();
    const own: Read[] = [];
    const read = async () => {
      while (resolved.size < secrets.length) {
        const index = Math.floor(Math.random() * secrets.length);
        const begun = String(process.hrtime.bigint());
        const seen = (await near.get({ ...SCOPE, token: secrets[index] as string })) !== undefined;
        own.push({ index, begun, seen });
        await turn();
      }
    };
    // At once after a revocation has resolved, before anything else is heard.
    const readAgain = async (index: number) => {
      const begun = String(process.hrtime.bigint());
      resolved.set(index, BigInt(begun) - 1n);
      const seen = (await near.get({ ...SCOPE, token: secrets[index] as string })) !== undefined;
      own.push({ index, begun, seen });
    };
    const revoke = async () => {
      for (let owner = 0; owner < OWNERS; owner++) {
        const indexes = made.flatMap((token, i) => (token.owner === `near-${owner}` ? [i] : []));
        await wait(3);
        if (owner % 2 === 0) {
          await near.deleteAll({ ...SCOPE, owner: `near-${owner}` });
          await Promise.all(indexes.map(readAgain));
        } else {
          for (const index of indexes) {
            await near.delete({ ...SCOPE, token: secrets[index] as string });
            await readAgain(index);
          }
        }
      }
    };
    await Promise.all([revoke(), ...Array.from({ length: READERS }, read)]);

    const late = (reads: Read[]) =>
      reads.flatMap(({ index, begun, seen }) => {
        const by = Number(BigInt(begun) - (resolved.get(index) as bigint)) / 1e6;
        return seen && by > 0 ? [{ index, by }] : [];
      });
    assert.deepEqual(late(own), []);
    assert.isAbove(own.filter(({ seen }) => seen).length, 1_000, 'reads that saw their token');
    for (const program of readers) {
      const stale = late(await told<Read>(program)).map(({ by }) => by);
      assert.isBelow(Math.max(0, ...stale), TTL, 'milliseconds by which another process was late');
    }
  });
});

async function told<T>(program: Program): Promise<T[]> {
  const { code } = await program.ended;
  assert.equal(code, 0, program.stderr.join('\n'));
  return JSON.parse(program.stdout.at(-1) as string) as T[];
}
