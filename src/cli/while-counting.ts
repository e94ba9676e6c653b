/** Tells how many tokens a revocation has ended, by how many are left. */
import type { Output } from './output.js';
import { Progress } from './progress.js';

/** Milliseconds between two counts of the tokens that are left. */
const COUNT_INTERVAL = 500;

/** Of those that there were when it had run for a moment: what is over at once is not counted at all. */
export async function whileCounting<T>(
  run: Promise<T>,
  count: () => Promise<number>,
  output: Output,
): Promise<T> {
  if (output.json) return run;
  const progress = new Progress(output, 'tokens');
  let total = 0;
  let counts = true;
  let over = false;
  const timer = setInterval(async () => {
    if (!counts) return;
    counts = false;
    const left = await count().catch(() => undefined); // it has no say in what becomes of the revocation
    if (left === undefined || over) return; // where it can not be counted, it is not tried again
    counts = true;
    total = Math.max(total, left);
    progress.at(total - left, total);
  }, COUNT_INTERVAL);
  try {
    return await run;
  } finally {
    over = true;
    clearInterval(timer);
    progress.end();
  }
}
