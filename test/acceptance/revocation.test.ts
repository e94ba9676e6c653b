// Once a revocation has resolved, no read that begins later sees the token: in any process, through any door.
import { assert } from 'chai';
import { type Deployment, openDeployment } from './deployment.js';
import type { Read } from './processes/reader.js';
import type { Revocation } from './processes/revoker.js';
import { killPrograms, type Program, startProgram } from './processes.js';

const SCOPE = { app: 'shop', type: 'session' };
const OWNERS = 60;
const TOKENS_EACH = 4;
const READERS = 8;
const READS = 1_000; // of each reader

describe('A revocation', function () {
  this.timeout(120_000);
  let deployment: Deployment;

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
});

async function told<T>(program: Program): Promise<T[]> {
  const { code } = await program.ended;
  assert.equal(code, 0, program.stderr.join('\n'));
  return JSON.parse(program.stdout.at(-1) as string) as T[];
}
