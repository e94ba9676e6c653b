/** Events as they happen, for whoever watches the console: one subscriber for all of them, while there is one. */
import { TokenSubscriber } from '../../events/subscriber.js';
import type { Connection } from '../../redis/connection.js';
import type { TokenEvent } from '../../tokens/events.js';
import type { EventShown, EventsMessage } from './page/wire.js';

/** What a watcher is given; false where it can take no more. */
export type Watcher = (message: EventsMessage) => boolean;

/** Milliseconds between two messages, and events in one: nobody reads faster, and a browser must not drown. */
const INTERVAL = 250;
const SHOWN = 25;

export class LiveEvents {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #watchers = new Set<Watcher>();
  #subscriber: TokenSubscriber | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pending: EventsMessage = { events: [], skipped: 0 };

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  /** Begins to tell a watcher. @returns ends it. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    if (!this.#subscriber) this.#start();
    return () => this.#leave(watcher);
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    await this.#stop();
  }

  #start(): void {
    const subscriber = new TokenSubscriber(this.#connection, { prefix: this.#prefix });
    this.#subscriber = subscriber;
    subscriber.on('event', (event) => this.#hear(event));
    subscriber.on('events-lost', () => {
      this.#pending.lost = true;
    });
    this.#timer = setInterval(() => this.#flush(), INTERVAL).unref();
    this.#begin(subscriber);
  }

  /** Again and again while Redis is away and somebody watches. */
  #begin(subscriber: TokenSubscriber): void {
    subscriber.start().catch(() => {
      if (this.#subscriber !== subscriber) return;
      setTimeout(() => {
        if (this.#subscriber === subscriber) this.#begin(subscriber);
      }, 1_000).unref();
    });
  }

  #hear(event: TokenEvent): void {
    if (this.#pending.events.length < SHOWN) this.#pending.events.push(shown(event));
    else this.#pending.skipped++;
  }

  #flush(): void {
    const message = this.#pending;
    if (message.events.length === 0 && !message.lost) return;
    this.#pending = { events: [], skipped: 0 };
    for (const watcher of this.#watchers) {
      if (!watcher(message)) this.#leave(watcher);
    }
  }

  #leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size === 0) this.#stop();
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    const subscriber = this.#subscriber;
    this.#subscriber = undefined;
    await subscriber?.close();
  }
}

function shown({ id, type, subject, time, data }: TokenEvent): EventShown {
  const { app, type: tokenType, owner, reason, by, successor } = data;
  const detail = Object.entries({ reason, by, successor })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]))
    .join(', ');
  return { id, type, subject, time, app, tokenType, owner, detail };
}
