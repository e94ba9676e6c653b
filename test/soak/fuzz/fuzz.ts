// Throws random inputs at a property for a while, known ones first. A failure is shrunk, and told with the seed that makes it again.
import fc from 'fast-check';
import { AGAIN, SEED } from '../../support/chance.js';

/** Seconds that each property is given. */
export const SECONDS = Number(process.env.FUZZ_SECONDS || 4);

/** Milliseconds for mocha: a failure is shrunk for no longer than its search took. */
export const TIMEOUT = SECONDS * 1_000 + 60_000;

/** Milliseconds within which one input must be done with. */
const HANG = 5_000;

/**
 * @param known inputs that once found something, and are tried each time.
 * @throws where the property does not hold, with the input that shows it.
 */
export async function fuzz<T>(
  inputs: fc.Arbitrary<T>,
  known: readonly T[],
  holds: (input: T) => void | Promise<void>,
): Promise<void> {
  const begun = performance.now();
  const checked = await fc.check(fc.asyncProperty(inputs, timed(holds)), {
    seed: SEED,
    examples: known.map((input): [T] => [input]),
    numRuns: 2 ** 31 - 1,
    interruptAfterTimeLimit: SECONDS * 1_000,
    markInterruptAsFailure: false,
  });
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  console.log(`      ${checked.numRuns.toLocaleString('en')} inputs in ${seconds} s, ${AGAIN}`);
  if (checked.failed) {
    const cause = checked.errorInstance;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${why}\n${fc.defaultReportMessage(checked)}\n${AGAIN}`, { cause });
  }
  if (checked.numRuns <= known.length) throw new Error('no input was made in all that time');
}

function timed<T>(holds: (input: T) => void | Promise<void>): (input: T) => Promise<void> {
  return async (input) => {
    const begun = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done with after ${HANG} ms`)), HANG);
    });
    try {
      await Promise.race([holds(input), late]);
    } finally {
      clearTimeout(timer);
    }
    // What did not let the timer in.
    const took = performance.now() - begun;
    if (took > HANG) throw new Error(`took ${took} ms`);
  };
}
