// A repository that tells the time, and fails whoever asks it for more: for what must be answered without I/O.
import type { TokenRepository } from '../../src/tokens/repository.js';

export interface Untouchable {
  repository: TokenRepository;
  /** The names of what was called all the same. */
  touched: string[];
}

export function untouchableRepository(isReady: boolean): Untouchable {
  const touched: string[] = [];
  let stamp = Date.now() * 1_000;
  const repository = new Proxy({} as TokenRepository, {
    get(_, name) {
      if (name === 'isReady') return isReady;
      if (name === 'now' || name === 'reckoned') return () => ++stamp;
      if (name === 'peek') return undefined; // it keeps nothing near
      return () => {
        touched.push(String(name));
        throw new Error(`the repository was asked to ${String(name)}`);
      };
    },
  });
  return { repository, touched };
}
