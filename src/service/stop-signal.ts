/** Ctrl-C and SIGTERM: the first asks to stop, a later one insists. */
import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';

/** Milliseconds: npm and the terminal may both deliver the same Ctrl-C. */
const SAME_PRESS = 500;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Aborts, with the signal's name as its reason, when the process is asked to stop. Asked again more than 500 ms later,
 * the process ends at once. It listens as long as the process lives: the second half of a Ctrl-C may come late.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let first: number | undefined;
  const onSignal = (name: NodeJS.Signals) => {
    const now = performance.now();
    first ??= now;
    if (now - first > SAME_PRESS) process.exit(128 + constants.signals[name]);
    controller.abort(name);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  setMaxListeners(0, controller.signal); // each attempt to start listens
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
