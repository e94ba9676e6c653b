// An ioredis client of a caller's own on which commands can be held back, and on which TIME can be wrong.
import { once } from 'node:events';
import { type Command, Redis, type RedisOptions } from 'ioredis';

/** What all connections of one sender share. */
export class Sender {
  /** Milliseconds that TIME is told wrong: the clock of this sender is off by as much. */
  clockOff = 0;
  /** Called with each script that is to be sent; it is sent when this resolves. */
  beforeScript: (args: readonly unknown[]) => Promise<void> | void = () => {};

  readonly clients: HeldClient[] = [];

  /** Connects anew: whoever reckons Redis' time by these connections asks for it again. */
  async reconnect(): Promise<void> {
    const connected = this.clients.filter(({ status }) => status === 'ready');
    const closed = connected.map((client) => once(client, 'close'));
    for (const client of connected) client.disconnect(true);
    await Promise.all(closed);
  }

  client(url: string): HeldClient {
    const { hostname, port } = new URL(url);
    const address = { host: hostname, port: Number(port) };
    return new HeldClient({ ...address, maxRetriesPerRequest: null, lazyConnect: true }, this);
  }
}

export class HeldClient extends Redis {
  readonly #sender: Sender;

  constructor(options: RedisOptions, sender: Sender) {
    super({ ...options, replyMapping: 'legacy' });
    this.#sender = sender;
    sender.clients.push(this);
    this.on('error', () => {});
  }

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of ioredis
  override duplicate(options: any = {}): any {
    return new HeldClient({ ...this.options, ...options }, this.#sender);
  }

  // biome-ignore lint/suspicious/noExplicitAny: as ioredis has it
  override sendCommand(command: Command, stream?: any): unknown {
    const send = () => super.sendCommand(command, stream);
    if (command.name === 'time') {
      return (send() as Promise<[string, string]>).then(([seconds, micros]) => {
        const off = Number(seconds) * 1_000_000 + Number(micros) + this.#sender.clockOff * 1_000;
        return [String(Math.floor(off / 1_000_000)), String(off % 1_000_000)];
      });
    }
    const held = command.name === 'evalsha' ? this.#sender.beforeScript(command.args) : undefined;
    return held ? held.then(send) : send();
  }
}
