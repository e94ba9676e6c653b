/** Lifecycle events: CloudEvents 1.0 in JSON. */

/** The names of all events. */
export const TOKEN_EVENT_TYPES = [
  'token-created',
  'token-updated',
  'token-refreshed',
  'token-rotated',
  'token-resealed',
  'token-reused',
  'token-revoked',
  'token-expired',
] as const;

/** What can happen to a token. */
export type TokenEventType = (typeof TOKEN_EVENT_TYPES)[number];

/** Why a token was revoked. */
export type RevocationReason =
  | 'deleted'
  | 'deleted-all'
  | 'deleted-scope'
  | 'deleted-app'
  | 'consumed'
  | 'limit'
  | 'reused'
  // Whatever else a caller gave: the others stay what an editor suggests.
  | (string & {});

/** Who may be told as the one by whom a token was revoked. Source: OpenID CAEP 1.0, section 2, `initiating_entity`. */
export const REVOKERS = ['user', 'admin', 'policy', 'system'] as const;

/** By whom a token was revoked. */
export type Revoker = (typeof REVOKERS)[number];

/** An event, or with a type one of that type: what tells of any is told apart by its `type`. */
export type TokenEvent<T extends TokenEventType = TokenEventType> = { [K in T]: TokenEventOf<K> }[T];

/** Source: CloudEvents 1.0, https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
interface TokenEventOf<T extends TokenEventType> {
  specversion: '1.0';
  /** `<shard>-<place in the shard's log>`: unique, ordered within its shard. */
  id: string;
  source: 'redis-tokens';
  type: T;
  /** The token's id. */
  subject: string;
  /** RFC 3339, by the store's clock. */
  time: string;
  data: {
    app: string;
    type: string;
    owner: string;
    /** Of the record after the change; of a token that is reused, its last. Not told of one that expired. */
    version?: number;
    /** Of a revocation: what its caller gave, or else which operation it was. */
    reason?: RevocationReason;
    /** Of a revocation: by whom, where its caller told. */
    by?: Revoker;
    /** The id of the token that took the place of one that was rotated; of one that was re-sealed, its id from now on. */
    successor?: string;
    commandId?: string;
  };
}
