/** Waiting for what may never settle: BullMQ waits for Redis as long as it takes. */
import { StoreUnavailableError } from '../tokens/errors.js';

/**
 * Settles as `work` does; rejects with the reason of `closed` when that aborts.
 * @param timeout milliseconds after which it rejects. Default: what bounds `work` itself.
 * @throws {StoreUnavailableError} for want of time. What `work` does then, nobody hears of.
 */
export function inTime<T>(work: Promise<T>, closed: AbortSignal, timeout?: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const settle = (done: () => void) => {
      clearTimeout(timer);
      closed.removeEventListener('abort', onClosed);
      done();
    };
    const onClosed = () => settle(() => reject(closed.reason));
    const onLate = () =>
      settle(() =>
        reject(new StoreUnavailableError(`Redis can not be reached: no reply within ${timeout} ms`, 'none')),
      );
    const timer = timeout === undefined ? undefined : setTimeout(onLate, timeout);
    closed.addEventListener('abort', onClosed);
    work.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
    if (closed.aborted) onClosed();
  });
}
