// Compiled by `npm run lint:types`, never run: the names of events are a closed list.
import {
  type LostEvents,
  type TokenEvent,
  TokenSubscriber,
  TokenWorker,
  toSecurityEvent,
} from '../../src/index.js';

const subscriber = new TokenSubscriber();
const worker = new TokenWorker();

export function subscribe(): void {
  subscriber
    .on('token-revoked', (event) => {
      event satisfies TokenEvent<'token-revoked'>;
      event.type satisfies 'token-revoked';
      event.data.reason satisfies string | undefined;
      event.data.by satisfies 'user' | 'admin' | 'policy' | 'system' | undefined;
    })
    .on('event', async (event) => {
      event satisfies TokenEvent;
      if (event.type === 'token-revoked') toSecurityEvent(event);
      // @ts-expect-error: any event may be another
      toSecurityEvent(event);
    })
    .once('events-lost', (lost) => {
      lost satisfies LostEvents;
    })
    .on('connected', () => {})
    .on('error', (error) => {
      error satisfies unknown;
    });
  // @ts-expect-error: a misspelt name
  subscriber.on('token-revokd', () => {});
  // @ts-expect-error: a misspelt name
  subscriber.once('event-lost', () => {});
  // @ts-expect-error: a misspelt name
  subscriber.off('tokenRevoked', () => {});
  // @ts-expect-error: a listener of something else
  subscriber.on('events-lost', (event: TokenEvent) => event);
  // @ts-expect-error: told without arguments
  subscriber.on('connected', (event: TokenEvent) => event);
  // @ts-expect-error: an unknown option
  new TokenSubscriber(undefined, { shards: 4 });
}

export function work(): void {
  worker.on('failed', (job, error) => {
    job.lane satisfies 'commands' | 'revocations';
    error.message satisfies string;
  });
  // @ts-expect-error: a misspelt name
  worker.on('complete', () => {});
  // @ts-expect-error: an unknown option
  new TokenWorker({ concurency: 1 });
}
