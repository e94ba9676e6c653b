/** `redis-tokens watch`: prints events as they happen, until Ctrl-C. */
import { setTimeout as wait } from 'node:timers/promises';
import { TokenSubscriber, type TokenSubscriberOptions } from '../events/subscriber.js';
import type { Settings } from '../service/settings.js';
import { shownUrl } from '../service/shown-url.js';
import { aborted, stopSignal } from '../service/stop-signal.js';
import { StoreUnavailableError } from '../tokens/errors.js';
import { TOKEN_EVENT_TYPES } from '../tokens/events.js';
import { readerGone } from './broken-pipe.js';
import { eventLine, suspicionLine } from './event-line.js';
import { readSince } from './fields.js';
import type { Output } from './output.js';

/** What can be heard; the last is in no log. */
export const WATCHED_TYPES = [...TOKEN_EVENT_TYPES, 'guessing-suspected'] as const;
type WatchedType = (typeof WATCHED_TYPES)[number];

export interface WatchOptions extends Pick<TokenSubscriberOptions, 'app' | 'type' | 'owner'> {
  /** The types of event to print. Default: all. */
  event?: WatchedType[] | undefined;
  /** For how long back what happened is printed first. Default: not at all. */
  since?: string | undefined;
}

/** Milliseconds between two attempts to reach Redis at first. */
const RETRY_DELAY = 500;

/** The place before every entry of a log. */
const NOTHING = '0-0';

/** Resolves when it was asked to stop, or nobody reads any more. */
export async function watch(
  { event: types, since, ...filter }: WatchOptions,
  settings: Settings,
  output: Output,
): Promise<void> {
  const stop = AbortSignal.any([stopSignal(), readerGone]);
  const from = since === undefined ? undefined : readSince(since);
  const options = { ...filter, prefix: settings.prefix, from };
  const subscriber = new TokenSubscriber(settings.connection, options);
  subscriber.on('event', (event) => {
    if (types === undefined || types.includes(event.type)) output.result(event, () => eventLine(event));
  });
  subscriber.on('guessing-suspected', (event) => {
    if (types === undefined || types.includes(event.type)) output.result(event, () => suspicionLine(event));
  });
  subscriber.on('connected', () => output.note(`connected to ${shownUrl(settings.connection)}`));
  subscriber.on('disconnected', () => {
    if (!stop.aborted) output.note('disconnected; what happens meanwhile is told later'); // else it is our own doing
  });
  subscriber.on('events-lost', ({ shard, from, to }) => {
    const goesOn = to === NOTHING ? 'its log has begun anew' : `it goes on after ${to}`;
    output.note(`events of shard ${shard} after ${from} were lost; ${goesOn}`);
  });
  subscriber.on('error', (error) => output.note(error instanceof Error ? error.message : String(error)));
  try {
    await Promise.race([started(subscriber, stop, output), aborted(stop)]);
    await aborted(stop);
  } finally {
    await subscriber.close();
  }
}

/** Waits for Redis, however long it is away. */
async function started(subscriber: TokenSubscriber, stop: AbortSignal, output: Output): Promise<void> {
  let told = false;
  while (!stop.aborted) {
    try {
      return await subscriber.start();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      if (!told && !stop.aborted) output.note(`${error.message}; still trying`);
      told = true;
      await wait(RETRY_DELAY, undefined, { signal: stop }).catch(() => {});
    }
  }
}
