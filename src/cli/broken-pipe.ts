/** What becomes of a command whose reader has gone, as in `redis-tokens watch | head`. */

const gone = new AbortController();

/** Aborts when nobody reads standard output any more. */
export const readerGone: AbortSignal = gone.signal;

/** Makes the end of the reader no error. */
export function endsByItself(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    gone.abort();
  });
  process.stderr.on('error', () => {}); // there is nobody left to tell
}
