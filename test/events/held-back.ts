// A way to Redis on which what the server says can be held back, and then comes all at once.
import { connect, createServer, type Socket } from 'node:net';

export interface HeldBack {
  readonly url: string;
  /** From now on nothing of the server arrives at clients that connect after this. */
  hold(): void;
  /** All of it arrives, in one piece for each client. */
  release(): void;
  /** Ends every connection. */
  cut(): void;
  /** What clients have sent since `hold`. */
  sent(): string;
  close(): Promise<void>;
}

export async function heldBack(target: string): Promise<HeldBack> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const held = new Map<Socket, Buffer[]>();
  let holding = false;
  let sent = '';
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => {
      sent += data.toString('latin1');
      upstream.write(data);
    });
    // A subscription is what is held back; whatever else a client asks is answered.
    upstream.on('data', (data) => {
      const waiting = held.get(client);
      if (holding && (waiting || data.toString('latin1').includes('psubscribe')))
        held.set(client, [...(waiting ?? []), data]);
      else client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${address.port}`,
    hold: () => {
      holding = true;
      sent = '';
    },
    release: () => {
      holding = false;
      for (const [client, parts] of held) client.write(Buffer.concat(parts));
      held.clear();
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    sent: () => sent,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
