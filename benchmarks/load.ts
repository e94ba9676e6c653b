// Drives a subject: so many calls in flight, for so long, and how many per second came back right.
import { setImmediate as turn } from 'node:timers/promises';

/** Calls of one lane after which it lets the event loop turn: a cache answers without ever doing so. */
const CALLS_PER_TURN = 256;

/** Calls per second. A lane calls again as soon as its call before was answered; a wrong answer ends the benchmark. */
export async function perSecond(
  inFlight: number,
  milliseconds: number,
  call: (index: number) => Promise<unknown>,
  isRight: (answer: unknown) => boolean = () => true,
): Promise<number> {
  let calls = 0;
  const begin = process.hrtime.bigint();
  const end = performance.now() + milliseconds;
  const lane = async () => {
    for (let own = 1; performance.now() < end; own += 1) {
      const answer = await call(calls++);
      if (!isRight(answer)) throw new Error(`a wrong answer: ${JSON.stringify(answer)}`);
      if (own % CALLS_PER_TURN === 0) await turn();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return calls / secondsSince(begin);
}

/** Calls so many times, so many of them in flight, and returns what came of it in order. */
export async function times<T>(
  count: number,
  inFlight: number,
  call: (index: number) => Promise<T>,
): Promise<T[]> {
  const answers = new Array<T>(count);
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next++;
      answers[index] = await call(index);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return answers;
}

/** Milliseconds of each of so many calls, one after the other. */
export async function durations(count: number, call: (index: number) => Promise<unknown>): Promise<number[]> {
  return times(count, 1, async (index) => {
    const begin = process.hrtime.bigint();
    await call(index);
    return secondsSince(begin) * 1_000;
  });
}

export const secondsSince = (begin: bigint): number => Number(process.hrtime.bigint() - begin) / 1e9;

/** One of the items by chance: what lies together in Redis' memory must not be asked for together. */
export const oneOf = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)] as T;
