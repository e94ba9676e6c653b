/** From a secret to its public id, and from an id or an owner to the shard that holds it. */
import { createHmac, hash, type KeyObject } from 'node:crypto';

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const ID_LENGTH = 22;

export const ID_PATTERN = /^[A-Za-z0-9_-]{22}$/;

/**
 * The id of a secret in a scope: the first two characters come from SHA-256, the others too, or from
 * HMAC-SHA-256 where a pepper is given. So a secret of one scope is unknown in every other, a look-up is by digest
 * only, and a new pepper moves no token to another shard.
 */
export function tokenId(app: string, type: string, token: string, pepper?: KeyObject): string {
  const message = `${app}\0${type}\0${token}`;
  const digest = hash('sha256', message, 'base64url');
  if (!pepper) return digest.slice(0, ID_LENGTH);
  return (
    digest.slice(0, 2) + createHmac('sha256', pepper).update(message).digest('base64url').slice(2, ID_LENGTH)
  );
}

/** The shard that holds an id: its first two characters, 12 bits, modulo the number of shards. */
export function shardOf(id: string, shards: number): number {
  if (shards === 1) return 0;
  return (BASE64URL.indexOf(id.charAt(0)) * 64 + BASE64URL.indexOf(id.charAt(1))) % shards;
}

/** The shard in which all generated tokens of an owner lie. */
export function ownerShard(app: string, type: string, owner: string, shards: number): number {
  return shards === 1 ? 0 : shardOf(hash('sha256', `${app}\0${type}\0${owner}`, 'base64url'), shards);
}
