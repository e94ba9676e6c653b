/** Generated secrets: a prefix, 256 random bits in base62, and a checksum that refuses mistyped ones without I/O. */
import { hkdfSync, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_LENGTH = 43; // 62^43 > 2^256
const CHECKSUM_LENGTH = 6; // 62^6 > 2^32

/** The digit of each character code, or -1. A table, since every read of a token asks it for each character. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => BASE62.indexOf(String.fromCharCode(code)));

/** Bytes from here on would favour the first characters: 248 is the largest multiple of 62 in a byte. */
const UNBIASED = 248;

/** Bytes that are drawn at a time: enough for a secret, nearly always. */
const DRAWN = 64;
const DRAWN_AHEAD = 128 * DRAWN;

export const DEFAULT_TOKEN_PREFIX = 'rt_';

/**
 * A new secret from the CSPRNG: the prefix, 43 base62 characters (256 bits; ASVS 5.0 7.2.3 asks for 128), and the
 * base62 CRC-32 of what stands before it. Secret scanners recognise it by that form.
 * @param tokenPrefix what it starts with; default `rt_`.
 */
export function generateToken(tokenPrefix: string = DEFAULT_TOKEN_PREFIX): string {
  return fromBytes(tokenPrefix, drawBytes);
}

/** Random bytes, each given once: to ask for a secret's own takes longer than all else of it, and a create may draw many. */
let drawn = Buffer.alloc(0);
let given = 0;

function drawBytes(): Uint8Array {
  if (given === drawn.length) [drawn, given] = [randomBytes(DRAWN_AHEAD), 0];
  given += DRAWN;
  return drawn.subarray(given - DRAWN, given);
}

const NONCE_LENGTH = 32;

/** What a successor's secret is derived with: 32 random bytes, as base64url. */
export const newNonce = (): string => randomBytes(NONCE_LENGTH).toString('base64url');

/**
 * The secret of a token's successor: HKDF-SHA-256 (RFC 5869) of the token, with the nonce as its salt. The nonce alone
 * tells nothing, since a generated token is as random as a key, and the successor does not tell the token.
 * @param tokenPrefix what the successor starts with.
 */
export function successorOf(token: string, nonce: string, tokenPrefix: string): string {
  const salt = Buffer.from(nonce, 'base64url');
  let part = 0; // one is enough but for one in a hundred million
  return fromBytes(
    tokenPrefix,
    () => new Uint8Array(hkdfSync('sha256', token, salt, `redis-tokens successor ${part++}`, DRAWN)),
  );
}

/** The secret that some evenly distributed bytes make: those that would favour a character are left out. */
function fromBytes(tokenPrefix: string, draw: () => Uint8Array): string {
  let text = tokenPrefix;
  const length = tokenPrefix.length + SECRET_LENGTH;
  while (text.length < length) {
    for (const byte of draw()) {
      if (byte < UNBIASED && text.length < length) text += BASE62[byte % 62];
    }
  }
  return text + checksum(text);
}

/** Whether a text that starts with the prefix is a well-formed generated token. */
export function isGenerated(token: string, tokenPrefix: string): boolean {
  const end = tokenPrefix.length + SECRET_LENGTH;
  if (token.length !== end + CHECKSUM_LENGTH || !token.startsWith(tokenPrefix)) return false;
  let told = 0;
  for (let i = tokenPrefix.length; i < token.length; i++) {
    const digit = DIGITS[token.charCodeAt(i)] ?? -1;
    if (digit < 0) return false;
    if (i >= end) told = told * 62 + digit;
  }
  return told === crc32(token.slice(0, end));
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = BASE62[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
