// Waits until something holds, for what tells nobody when it does.
import { setTimeout as wait } from 'node:timers/promises';

/** Resolves with the first answer that is neither `undefined`, `null` nor `false`. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeout = 5_000,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== null && answer !== false) {
      return answer as Exclude<T, undefined | null | false>;
    }
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await wait(5);
  }
}

/** What a promise rejects with. */
export async function rejection<E = Error & { code?: unknown }>(promise: Promise<unknown>): Promise<E> {
  try {
    await promise;
  } catch (error) {
    return error as E;
  }
  throw new Error('it did not reject');
}
