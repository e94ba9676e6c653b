/** The event log in memory. */
import type { RevocationReason, Revoker, TokenEvent, TokenEventType } from '../tokens/events.js';
import type { StoredToken } from './records.js';

export class EventLog {
  readonly #events: TokenEvent[] = [];
  #lastMs = 0;
  #sequence = 0;

  /** Every event so far, oldest first. */
  get events(): readonly TokenEvent[] {
    return this.#events;
  }

  /** @param about what the event tells besides the token; its version is told of all that did not expire. */
  publish(
    type: TokenEventType,
    token: StoredToken,
    nowMs: number,
    about: {
      commandId?: string | undefined;
      reason?: RevocationReason;
      by?: Revoker | undefined;
      successor?: string;
    } = {},
  ): void {
    const { app, type: tokenType, owner, version } = token;
    const data: TokenEvent['data'] = { app, type: tokenType, owner };
    if (type !== 'token-expired') data.version = version;
    if (about.reason !== undefined) data.reason = about.reason;
    if (about.by !== undefined) data.by = about.by;
    if (about.successor !== undefined) data.successor = about.successor;
    if (about.commandId !== undefined) data.commandId = about.commandId;
    this.#events.push({
      specversion: '1.0',
      id: `0-${this.#place(nowMs)}`,
      source: 'redis-tokens',
      type,
      subject: token.id,
      time: new Date(nowMs).toISOString(),
      data,
    });
  }

  /** `<milliseconds>-<number within them>`, rising, as in a Redis stream. */
  #place(nowMs: number): string {
    this.#sequence = nowMs > this.#lastMs ? 0 : this.#sequence + 1;
    this.#lastMs = Math.max(this.#lastMs, nowMs);
    return `${this.#lastMs}-${this.#sequence}`;
  }
}
