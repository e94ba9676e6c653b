// Certificates for TLS, made by openssl in a temporary folder: an authority, what it has signed, and what it has not.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type RedisServer, startRedisServer } from '../../tools/redis-server.js';

const HERE = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** As ioredis takes them. */
export interface Material {
  ca: string;
  cert: string;
  key: string;
}

/** A server that speaks TLS alone, and its certificates, for the tests of a `describe`: to be called in its body. */
export class SecuredRedis {
  certificates!: Certificates;
  server!: RedisServer;

  constructor() {
    before(async () => {
      this.certificates = new Certificates();
      this.server = await this.certificates.startRedis();
    });
    after(async () => {
      await this.server.stop();
      this.certificates.remove();
    });
  }
}

export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), 'redis-tokens-tls-'));

  constructor() {
    this.#authority('ca');
    this.#authority('foreign-ca');
    this.#leaf('server', 'ca', HERE);
    this.#leaf('elsewhere', 'ca', 'subjectAltName=DNS:redis.example');
    this.#leaf('expired', 'ca', HERE, -1);
    this.#leaf('client', 'ca', 'extendedKeyUsage=clientAuth');
    this.#leaf('foreign-client', 'foreign-ca', 'extendedKeyUsage=clientAuth');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Of whoever trusts `ca` and shows the certificate of `name`. */
  of(name: string, ca = 'ca'): Material {
    const [authority = '', cert = '', key = ''] = [`${ca}.crt`, `${name}.crt`, `${name}.key`].map((file) =>
      readFileSync(this.path(file), 'utf8'),
    );
    return { ca: authority, cert, key };
  }

  /** A server that speaks TLS alone, and asks for a certificate. @param name whose certificate it shows. */
  async startRedis(name = 'server', args: string[] = []): Promise<RedisServer> {
    const port = await freePort();
    const files = ['--tls-cert-file', this.path(`${name}.crt`), '--tls-key-file', this.path(`${name}.key`)];
    const tls = ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'yes', ...files];
    const ca = ['--tls-ca-cert-file', this.path('ca.crt')];
    return startRedisServer({ port, args: [...tls, ...ca, ...args], log: () => {} });
  }

  /** Lines of a server's configuration, who shows the certificate of `name` and asks for one. */
  readonly rules = (name: string): string[] => [
    `tls-cert-file ${this.path(`${name}.crt`)}`,
    `tls-key-file ${this.path(`${name}.key`)}`,
    `tls-ca-cert-file ${this.path('ca.crt')}`,
    'tls-auth-clients yes',
  ];

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  #authority(name: string): void {
    this.#openssl('req', '-x509', ...KEY, ...this.#files(name), '-subj', `/CN=${name}`, '-days', '1');
  }

  #leaf(name: string, ca: string, extensions: string, days = 1): void {
    const request = this.path(`${name}.csr`);
    writeFileSync(this.path(`${name}.ext`), extensions);
    this.#openssl(
      'req',
      ...KEY,
      '-keyout',
      this.path(`${name}.key`),
      '-out',
      request,
      '-subj',
      `/CN=${name}`,
    );
    const signed = ['-CA', this.path(`${ca}.crt`), '-CAkey', this.path(`${ca}.key`), '-CAcreateserial'];
    const made = ['-out', this.path(`${name}.crt`), '-days', String(days)];
    this.#openssl('x509', '-req', '-in', request, ...signed, ...made, '-extfile', this.path(`${name}.ext`));
  }

  #files(name: string): string[] {
    return ['-keyout', this.path(`${name}.key`), '-out', this.path(`${name}.crt`)];
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}
