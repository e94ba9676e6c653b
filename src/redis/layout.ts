/** The layout of what is in Redis: which one is known here, and how an older one becomes it. */
import { randomUUID } from 'node:crypto';
import { ConfigError } from '../tokens/errors.js';
import type { Keys } from './keys.js';
import type { Store } from './store.js';

/** Of the records, indexes, marks and job records: raised when one of them changes. */
export const LAYOUT = 1;

/** What makes a deployment of one layout one of the next. */
export interface LayoutStep {
  /** The layout that it leads on from. */
  from: number;
  /** Is run again where it was interrupted: what it finds done, it leaves. It stops where the signal aborts. */
  run(store: Store, keys: Keys, signal: AbortSignal): Promise<void>;
}

/** Every step there is, in order: none, since layout 1 is the first. */
export const LAYOUT_STEPS: readonly LayoutStep[] = [];

/** Milliseconds after which another may go on where whoever migrated has died, and by which that tells that it lives. */
const LOCK_LIFE = 30_000;
const LOCK_RENEWAL = 10_000;

/** What to do about a deployment of another layout than the one that is known here. */
export function layoutProblem(standing: string, layout = LAYOUT): string {
  const told = `layout is ${standing} in this deployment, but ${layout} here`;
  return Number(standing) > layout
    ? `${told}: it was made by a newer redis-tokens; update this one`
    : `${told}: it was made by an older redis-tokens; \`redis-tokens migrate-layout\` brings it up to date`;
}

export interface LayoutChange {
  from: number;
  to: number;
}

/**
 * Brings a deployment up to date, step by step; one process at a time.
 * @throws {ConfigError} where there is no deployment, none that is older, or another process is at it.
 */
export async function migrateLayout(
  store: Store,
  keys: Keys,
  { steps = LAYOUT_STEPS, layout = LAYOUT }: { steps?: readonly LayoutStep[]; layout?: number } = {},
): Promise<LayoutChange> {
  const standing = await store.read((client) => client.hget(keys.meta, 'layout'));
  if (standing === null) throw new ConfigError(`${keys.meta}: there is no deployment with this prefix here`);
  const from = Number(standing);
  if (from > layout) throw new ConfigError(`${keys.meta}: ${layoutProblem(standing, layout)}`);
  if (from === layout) return { from, to: from };

  const holder = randomUUID();
  const held = await store.read((client) =>
    client.call('SET', keys.layoutLock, holder, 'PX', LOCK_LIFE, 'NX'),
  );
  if (held === null) throw new ConfigError(`${keys.layoutLock}: another process migrates this deployment`);
  const lost = new AbortController();
  const renewal = setInterval(() => {
    store.readScript('holdLayout', [keys.layoutLock], [holder, LOCK_LIFE]).then(
      (isHeld) => isHeld === 1 || lost.abort(),
      () => {}, // tried again before it is over
    );
  }, LOCK_RENEWAL);
  try {
    for (let now = from; now < layout; now++) {
      const step = steps.find((each) => each.from === now);
      if (!step) throw new ConfigError(`${keys.meta}: nothing leads on from layout ${now}`);
      await step.run(store, keys, lost.signal);
      const args = [holder, now, now + 1];
      if ((await store.change('raiseLayout', [keys.meta, keys.layoutLock], args)) !== 1)
        throw new ConfigError(`${keys.layoutLock}: another process migrates this deployment`);
    }
    return { from, to: layout };
  } finally {
    clearInterval(renewal);
    await store.readScript('holdLayout', [keys.layoutLock], [holder, 0]).catch(() => {});
  }
}
