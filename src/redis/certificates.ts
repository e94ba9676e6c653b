/** What keeps a TLS connection from coming about: a certificate that one of the two does not accept, or no TLS at all. */
import { connect } from 'node:tls';
import type { RedisOptions } from 'ioredis';

/** Node's names for what is wrong with the certificate of a server. */
const SERVERS =
  /^((DEPTH_ZERO_)?SELF_SIGNED_|UNABLE_TO_|CERT_|CRL_|INVALID_(CA|PURPOSE)$|PATH_LENGTH_|HOSTNAME_|ERR_TLS_CERT_)/;

/** What a server says of a client's certificate before it ends the connection; TLS 1.2 has no other word for none. */
const CLIENTS = /^ERR_SSL_\w+_ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$/;

/** What comes instead of TLS, or in a version that the other does not speak. */
const NO_TLS =
  /^ERR_SSL_(WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|PACKET_LENGTH_TOO_LONG|\w+_ALERT_PROTOCOL_VERSION)$/;

/** Milliseconds for which a connection is looked at that was made, before it counts as accepted. */
const LOOK = 500;

/** In words, what is wrong with TLS; `undefined` where it is something else. */
export function tlsProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', message, reason } = error as TlsError;
  if (SERVERS.test(code)) return `the certificate of Redis is not accepted: ${message} (${code})`;
  if (CLIENTS.test(code)) return `Redis does not accept this client's certificate, or wants one: ${reason}`;
  return NO_TLS.test(code) ? `Redis does not speak TLS there, or not in this version: ${reason}` : undefined;
}

interface TlsError extends Error {
  code?: string;
  /** What OpenSSL says of it. */
  reason?: string;
}

/**
 * Why a TLS connection was refused, or ended when it had just been made. With TLS 1.3 the client's
 * certificate is looked at last: what was written meanwhile is answered by a reset, and the alert is lost. Nothing is
 * written here.
 */
export function whyEnded({ host, port, tls }: RedisOptions): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const settle = (error?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(tlsProblem(error) === undefined ? undefined : error);
    };
    const timer = setTimeout(settle, LOOK);
    const socket = connect({ ...tls, host, port } as Parameters<typeof connect>[0] & object);
    socket.on('error', settle).on('close', () => settle());
    socket.resume(); // an alert is read as data is
  });
}
