/** `redis-tokens migrate-layout`: brings what an older redis-tokens left in Redis up to date. */
import { Keys } from '../redis/keys.js';
import { migrateLayout } from '../redis/layout.js';
import { Store } from '../redis/store.js';
import type { Settings } from '../service/settings.js';
import { DONE } from './exit-status.js';
import type { Output } from './output.js';

/** @returns the exit status. */
export async function runMigrateLayout(settings: Settings, output: Output): Promise<number> {
  const store = new Store(settings.connection, settings.timeout);
  try {
    const change = await migrateLayout(store, new Keys(settings.prefix));
    const { from, to } = change;
    output.result(change, () =>
      from === to ? `layout ${to}: nothing to do` : `layout ${from} is layout ${to} now`,
    );
    return DONE;
  } finally {
    await store.close();
  }
}
