/** `redis-tokens watch`: prints events as they happen, until Ctrl-C. */
import { TokenSubscriber, type TokenSubscriberOptions } from '../events/subscriber.js';
import { printable } from '../service/printable.js';
import type { Settings } from '../service/settings.js';
import { shownUrl } from '../service/shown-url.js';
import { aborted, stopSignal } from '../service/stop-signal.js';
import type { TokenEvent, TokenEventType } from '../tokens/events.js';
import { readerGone } from './broken-pipe.js';
import type { Output } from './output.js';

export interface WatchOptions extends Pick<TokenSubscriberOptions, 'app' | 'type' | 'owner'> {
  /** The types of event to print. Default: all. */
  event?: TokenEventType[] | undefined;
}

/** The place before every entry of a log. */
const NOTHING = '0-0';

/** Resolves when it was asked to stop, or nobody reads any more. */
export async function watch(
  { event: types, ...filter }: WatchOptions,
  settings: Settings,
  output: Output,
): Promise<void> {
  const stop = AbortSignal.any([stopSignal(), readerGone]);
  const subscriber = new TokenSubscriber(settings.connection, { ...filter, prefix: settings.prefix });
  subscriber.on('event', (event) => {
    if (types === undefined || types.includes(event.type)) output.result(event, () => line(event));
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
    await Promise.race([subscriber.start(), aborted(stop)]);
    await aborted(stop);
  } finally {
    await subscriber.close();
  }
}

function line({ time, type, subject, data }: TokenEvent): string {
  const { app, type: tokenType, owner, version, reason } = data;
  const rest = `${version === undefined ? '' : ` version=${version}`}${reason === undefined ? '' : ` reason=${reason}`}`;
  return printable(
    `${time} ${type.padEnd(15)} ${subject} app=${app} type=${tokenType} owner=${owner}${rest}`,
  );
}
