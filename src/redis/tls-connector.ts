/** Opens the socket of a TLS connection, as ioredis does, and hears of whatever becomes of it. */
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';

/**
 * ioredis listens to the first error of a socket. One that is ended in the midst of its handshake has another when the
 * server's alert arrives, which nobody would hear: that ends the process.
 */
export class TlsConnector extends AbstractConnector {
  readonly #options: ConnectionOptions;

  constructor(options: unknown) {
    const { host, port, path, family, tls, disconnectTimeout = 2_000 } = options as RedisOptions;
    super(disconnectTimeout);
    const address = path ? { path } : { host, port, family };
    this.#options = { ...address, ...(tls as object) } as ConnectionOptions;
  }

  connect(): Promise<TLSSocket> {
    this.connecting = true;
    return new Promise((resolve, reject) => {
      process.nextTick(() => {
        if (!this.connecting) return reject(new Error('Connection is closed.')); // in ioredis' own words
        const socket = connect(this.#options);
        socket.on('error', (error) => {
          this.firstError ??= error;
        });
        this.stream = socket;
        resolve(socket);
      });
    });
  }
}
