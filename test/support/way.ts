// A way to Redis that leads through this process: what passes can be watched, held back, swallowed or cut.
import { connect, createServer, type Socket } from 'node:net';

interface Passage {
  client: Socket;
  upstream: Socket;
  /** All that the client has sent. */
  sent: string;
  /** What the server has said since the passage was held. */
  held: Buffer[] | undefined;
  stranded: boolean;
}

export class Way {
  /** Hears what a client sends, before it is passed on. */
  onSent: (text: string) => void = () => {};
  readonly #passages = new Set<Passage>();
  readonly #server;

  private constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((client) => this.#pass(client, connect(Number(port), hostname)));
  }

  static async open(target: string): Promise<Way> {
    const way = new Way(target);
    await new Promise<void>((resolve) => way.#server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Ends every connection. */
  cut(): void {
    for (const { client, upstream } of this.#passages) {
      client.destroy();
      upstream.destroy();
    }
  }

  /** Swallows all that is said on the connections that there are, which stay open; new ones work. */
  strand(): void {
    for (const passage of this.#passages) passage.stranded = true;
  }

  /** Holds back what the server says on connections whose client has not sent such a text. */
  holdUnless(text: string): void {
    for (const passage of this.#passages) if (!passage.sent.includes(text)) passage.held ??= [];
  }

  release(): void {
    for (const passage of this.#passages) {
      if (passage.held) passage.client.write(Buffer.concat(passage.held));
      passage.held = undefined;
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(client: Socket, upstream: Socket): void {
    const passage: Passage = { client, upstream, sent: '', held: undefined, stranded: false };
    this.#passages.add(passage);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#passages.delete(passage);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => {
      if (passage.stranded) return;
      const text = data.toString('latin1');
      passage.sent += text;
      this.onSent(text);
      if (!upstream.destroyed) upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (passage.stranded) return;
      if (passage.held) passage.held.push(data);
      else client.write(data);
    });
  }
}
