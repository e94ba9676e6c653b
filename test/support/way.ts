// A way to Redis that leads through this process: what passes can be watched, held back, swallowed or cut.
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

interface Passage {
  client: Socket;
  upstream: Socket;
  /** All that the client has sent. */
  sent: string;
  /** What the server has said since the passage was held back. */
  held: Buffer[] | undefined;
  stranded: boolean;
  /** The server is heard no more, but it hears. */
  deaf: boolean;
  /** Milliseconds for which each byte of the server's is on its way behind the one before. */
  pace: number;
  /** How many answers are still to come late, and when the last of them has been passed on. */
  late: number;
  lastLate: Promise<void>;
}

export class Way {
  /** Hears what a client sends, before it is passed on. */
  onSent: (text: string) => void = () => {};
  /** Milliseconds by which the server's answers come late. */
  delay = 0;
  /** Cuts a connection when the server answers on it next, with half of that answer passed on. */
  cutsAnswers = false;
  readonly #passages = new Set<Passage>();
  readonly #server;
  #target: string;
  #isShut = false;
  #holdsBack: ((sent: string) => boolean) | undefined;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((client) => {
      if (this.#isShut) client.destroy();
      else this.#pass(client);
    });
  }

  static async open(target: string): Promise<Way> {
    const way = new Way(target);
    await new Promise<void>((resolve) => way.#server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Connections to come lead to another server. */
  leadTo(target: string): void {
    this.#target = target;
  }

  /** Ends every connection, and lets none come about until it is opened again. */
  shut(): void {
    this.#isShut = true;
    this.cut();
  }

  reopen(): void {
    this.#isShut = false;
  }

  /** Ends every connection. */
  cut(): void {
    for (const { client, upstream } of this.#passages) {
      client.destroy();
      upstream.destroy();
    }
  }

  /** Swallows all that is said on the connections that there are, which stay open; new ones work. */
  strand(where = ''): void {
    for (const passage of this.#where(where)) passage.stranded = true;
  }

  /** Swallows what the server says on the connections that there are; what their clients send is passed on. */
  deafen(where = ''): void {
    for (const passage of this.#where(where)) passage.deaf = true;
  }

  /** From now on what the server says comes byte by byte, so many milliseconds each: it lags, and is never silent. */
  trickle(where: string, pace: number): void {
    for (const passage of this.#where(where)) passage.pace = pace;
  }

  /** Holds back what the server says on connections whose client has sent such a text, also on those to come. */
  holdWhere(text: string): void {
    this.#holdsBack = (sent) => sent.includes(text);
  }

  /** Holds back what the server says on connections whose client has not sent such a text. */
  holdUnless(text: string): void {
    this.#holdsBack = (sent) => !sent.includes(text);
  }

  /** What was held back arrives, in one piece on each connection. */
  release(): void {
    this.#holdsBack = undefined;
    for (const passage of this.#passages) {
      if (passage.held && !passage.client.destroyed) passage.client.write(Buffer.concat(passage.held));
      passage.held = undefined;
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The connections whose client has sent such a text. */
  #where(text: string): Passage[] {
    return [...this.#passages].filter(({ sent }) => sent.includes(text));
  }

  #pass(client: Socket): void {
    const { hostname, port } = new URL(this.#target);
    const upstream = connect(Number(port), hostname);
    const passage: Passage = {
      client,
      upstream,
      sent: '',
      held: undefined,
      stranded: false,
      deaf: false,
      pace: 0,
      late: 0,
      lastLate: Promise.resolve(),
    };
    this.#passages.add(passage);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => this.#passages.delete(passage));
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => {
      // What the server said before it left arrives, however late.
      if (passage.late > 0) passage.lastLate.then(() => client.destroySoon());
      else client.destroy();
    });
    client.on('data', (data) => {
      if (passage.stranded) return;
      const text = data.toString('latin1');
      passage.sent += text;
      this.onSent(text);
      if (!upstream.destroyed) upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (passage.stranded || passage.deaf) return;
      if (this.#holdsBack?.(passage.sent)) passage.held ??= [];
      if (passage.held) passage.held.push(data);
      // Not before what is still to come late: a client would take this for the answer to an earlier question.
      else if (this.cutsAnswers && passage.late === 0)
        client.end(data.subarray(0, data.length >> 1), () => client.destroy());
      else if (passage.pace > 0) for (const byte of data) this.#passLate(passage, Buffer.of(byte));
      else if (this.delay > 0 || passage.late > 0) this.#passLate(passage, data);
      else client.write(data);
    });
  }

  /** In order, also where the delay has become shorter. */
  #passLate(passage: Passage, data: Buffer): void {
    const due = wait(this.delay);
    const before = passage.lastLate;
    passage.late++;
    passage.lastLate = due
      .then(() => before)
      .then(() => (passage.pace > 0 ? wait(passage.pace) : undefined))
      .then(() => {
        passage.late--;
        if (!passage.client.destroyed) passage.client.write(data);
      });
  }
}
