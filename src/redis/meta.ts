/** What all processes of a deployment must agree on, fixed by the first of them. */
import { ConfigError } from '../tokens/errors.js';
import type { ResolvedTokenOptions } from '../tokens/options.js';
import type { Keys } from './keys.js';
import type { Store } from './store.js';

/** Of the records, indexes, marks and job records: raised when one of them changes. */
const LAYOUT = 1;

/** @throws {ConfigError} where Redis is too old, or where these options differ from those of the deployment. */
export async function checkMeta(store: Store, keys: Keys, options: ResolvedTokenOptions): Promise<void> {
  const wanted: [name: string, value: number][] = [
    ['layout', LAYOUT],
    ['shards', options.shards],
    ['maxCommandAge', options.maxCommandAge],
  ];
  const standing = (await store.readScript('meta', [keys.meta], wanted.flat())) as string[] | string;
  if (!Array.isArray(standing)) throw new ConfigError(`Redis 7.0 or newer is needed (${standing})`);
  for (const [i, [name, value]] of wanted.entries()) {
    if (standing[i] !== String(value)) {
      throw new ConfigError(`${keys.meta}: ${name} is ${standing[i]} in this deployment, but ${value} here`);
    }
  }
}
