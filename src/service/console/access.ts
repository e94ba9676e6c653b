/** Who may use the console: whoever has its password, or whom a trusted proxy names. */
import { createHash, createHmac, scryptSync, timingSafeEqual } from 'node:crypto';
import type { BlockList } from 'node:net';
import { parse, serialize } from 'cookie';
import type { FastifyRequest } from 'fastify';
import { addressesIn, includes } from '../addresses.js';

export interface AccessRules {
  password: string | undefined;
  /** The header in which a proxy tells who is at the other end, or ''. */
  userHeader: string;
  /** Addresses from which that header is believed. */
  proxies: string;
  /** Of the deployment: a session of one is none of another. */
  prefix: string;
}

const COOKIE = 'redis-tokens-console';

/** Milliseconds after which the password is asked for again. */
const SESSION = 8 * 3_600_000;

export class Access {
  readonly #rules: AccessRules;
  readonly #proxies: BlockList;
  /** Derived slowly: whoever steals a cookie must not be able to guess the password from it. */
  readonly #key: Buffer | undefined;

  constructor(rules: AccessRules) {
    this.#rules = rules;
    this.#proxies = addressesIn(rules.proxies) as BlockList;
    const { password, prefix } = rules;
    this.#key =
      password === undefined ? undefined : scryptSync(password, `redis-tokens console ${prefix}`, 32);
  }

  /** Whether the console may be used at all. */
  static isGiven({ password, userHeader }: Pick<AccessRules, 'password' | 'userHeader'>): boolean {
    return password !== undefined || userHeader !== '';
  }

  get takesPassword(): boolean {
    return this.#key !== undefined;
  }

  /** Who sends this request; nothing where that is not known. */
  userOf(request: FastifyRequest): string | undefined {
    return this.#namedByProxy(request) ?? (this.#hasSession(request) ? 'operator' : undefined);
  }

  /** Whether a session by password is what lets this request in. */
  isSession(request: FastifyRequest): boolean {
    return this.#namedByProxy(request) === undefined && this.#hasSession(request);
  }

  isPassword(given: string): boolean {
    const { password } = this.#rules;
    return password !== undefined && timingSafeEqual(digest(given), digest(password));
  }

  /** The cookie of a new session. */
  sessionCookie(request: FastifyRequest): string {
    const ends = String(Date.now() + SESSION);
    return this.#cookie(request, `${ends}.${this.#sign(ends)}`, SESSION / 1_000);
  }

  /** The cookie that ends one. */
  noCookie(request: FastifyRequest): string {
    return this.#cookie(request, '', 0);
  }

  /**
   * Whether the page itself has sent this, and not one of another site: browsers tell by headers that no page can set.
   * Source: OWASP CSRF Prevention Cheat Sheet, "Fetch Metadata" and "Verifying origin".
   */
  static isOwnPage(request: FastifyRequest): boolean {
    const { 'sec-fetch-site': site, origin } = request.headers;
    if (site !== undefined) return site === 'same-origin';
    return origin !== undefined && URL.canParse(origin) && new URL(origin).host === request.headers.host;
  }

  #namedByProxy(request: FastifyRequest): string | undefined {
    const { userHeader } = this.#rules;
    const name = userHeader === '' ? undefined : request.headers[userHeader.toLowerCase()];
    if (typeof name !== 'string' || name === '') return undefined;
    return includes(this.#proxies, request.socket.remoteAddress ?? '') ? name.slice(0, 256) : undefined;
  }

  #hasSession(request: FastifyRequest): boolean {
    if (!this.#key) return false;
    const [ends = '', signature = ''] = (parse(request.headers.cookie ?? '')[COOKIE] ?? '').split('.');
    return Number(ends) > Date.now() && timingSafeEqual(digest(signature), digest(this.#sign(ends)));
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key as Buffer)
      .update(text)
      .digest('base64url');
  }

  #cookie(request: FastifyRequest, value: string, maxAge: number): string {
    const fromProxy = includes(this.#proxies, request.socket.remoteAddress ?? '');
    const secure = fromProxy && request.headers['x-forwarded-proto'] === 'https';
    return serialize(COOKIE, value, { httpOnly: true, sameSite: 'strict', path: '/console', maxAge, secure });
  }
}

/** Of equal length, whatever is compared. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
