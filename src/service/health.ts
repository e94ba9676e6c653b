/** Whether commands are being served: what a container's health check asks. */
import { LANES, type Lane } from '../queue/lanes.js';
import { openQueue } from '../queue/open-queue.js';
import { defaultSpread } from '../redis/connection.js';
import { checkDatabase, Deployment } from '../redis/deployment.js';
import { Keys } from '../redis/keys.js';
import { Store } from '../redis/store.js';
import { resolveTokenOptions, type TokenOptions } from '../tokens/options.js';
import type { Settings } from './settings.js';

export interface Health {
  /** Each lane has a worker. */
  healthy: boolean;
  /** Workers by lane. */
  workers: Record<Lane, number>;
}

/**
 * Asks Redis which workers are connected to it, by the names of connections in CLIENT LIST. That Redis answers, that the
 * options are the deployment's, and that each queue has a worker connected, is all that it says: not that the worker keeps
 * up. Nothing is written.
 * @param here count only workers that reach Redis from this very address, as those in the same container do.
 * @throws {StoreUnavailableError} where Redis does not answer within `timeout`.
 * @throws {ConfigError} where an option differs from the deployment's.
 */
export async function checkHealth(
  connection: Settings['connection'],
  options: TokenOptions,
  here = false,
): Promise<Health> {
  const resolved = resolveTokenOptions(options, defaultSpread(connection));
  const keys = new Keys(resolved.prefix);
  const store = new Store(connection, resolved.timeout);
  const deployment = new Deployment(store, keys, resolved);
  try {
    await checkDatabase(store);
    const { type, missing } = await deployment.standing();
    // Where there is none yet, there is no worker either; where it has lost something, operations may still work.
    if (missing.length > 0 && type !== 'none' && type !== 'hash') throw deployment.absence(type);
    const address = here ? await ownAddress(store) : undefined;
    const workers = { commands: 0, revocations: 0 };
    for (const lane of LANES) workers[lane] = await countWorkers(store, keys, lane, address);
    return { healthy: LANES.every((lane) => workers[lane] > 0), workers };
  } finally {
    deployment.leave();
    await store.close();
  }
}

async function countWorkers(
  store: Store,
  keys: Keys,
  lane: Lane,
  address: string | undefined,
): Promise<number> {
  const queue = openQueue({ lane, partition: 0 }, store.client, keys, true);
  try {
    const workers = await store.read(() => queue.getWorkers());
    return workers.filter(({ addr = '' }) => address === undefined || hostOf(addr) === address).length;
  } finally {
    await queue.close();
  }
}

/** This process' address as Redis sees it. */
async function ownAddress(store: Store): Promise<string> {
  const info = String(await store.read((client) => client.client('INFO')));
  return hostOf(/ addr=(\S*)/.exec(info)?.[1] ?? '');
}

const hostOf = (address: string): string => address.replace(/:\d+$/, '');
