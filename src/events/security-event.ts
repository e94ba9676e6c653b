/** A revocation as other systems hear of it: the claims of CAEP's event `session-revoked`. */
import { ValidationError } from '../tokens/errors.js';
import { REVOKERS, type Revoker, type TokenEvent } from '../tokens/events.js';

/**
 * What stands in a security event token under `https://schemas.openid.net/secevent/caep/event-type/session-revoked`.
 * Source: OpenID Continuous Access Evaluation Profile 1.0, sections 2 and 3.1.
 */
export interface SessionRevoked {
  /** Seconds since the epoch. */
  event_timestamp: number;
  /** By whom the token was revoked. */
  initiating_entity: Revoker;
  /** For logs and auditing: a language tag, and the reason in that language. */
  reason_admin: Record<string, string>;
}

/**
 * Maps a `token-revoked` event to the claims of CAEP's `session-revoked`. The subject, the signature and the delivery
 * are the caller's.
 * @param event `data.by` tells the initiating entity, `system` where it is not told; `data.reason` the reason.
 * @throws {ValidationError} for any other event.
 *
 * @example
 * subscriber.on('token-revoked', (event) => transmit(event.data.owner, toSecurityEvent(event)));
 */
export function toSecurityEvent(event: TokenEvent<'token-revoked'>): SessionRevoked {
  const { type, time, data } = (event ?? {}) as Partial<TokenEvent<'token-revoked'>>;
  const milliseconds = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  const { by = 'system', reason = 'deleted' } = data ?? {};
  const problems = [
    ...(type === 'token-revoked' ? [] : [{ field: 'type', problem: 'must be token-revoked' }]),
    ...(Number.isNaN(milliseconds)
      ? [{ field: 'time', problem: 'must be a time as RFC 3339 writes it' }]
      : []),
    ...(REVOKERS.includes(by) ? [] : [{ field: 'by', problem: `must be one of ${REVOKERS.join(', ')}` }]),
    ...(typeof reason === 'string' && reason !== '' ? [] : [{ field: 'reason', problem: 'must be a text' }]),
  ];
  if (problems.length > 0) throw new ValidationError('event', problems);
  return {
    event_timestamp: Math.floor(milliseconds / 1_000),
    initiating_entity: by,
    reason_admin: { en: reason },
  };
}
