/** Whose events are of interest. */
import type { TokenEvent } from '../tokens/events.js';

export interface EventFilter {
  /** Of this app alone. */
  app?: string | undefined;
  /** Of this type of token alone. */
  type?: string | undefined;
  /** Of this owner alone. */
  owner?: string | undefined;
}

export const isFor = ({ app, type, owner }: EventFilter, { data }: TokenEvent): boolean =>
  (app === undefined || data.app === app) &&
  (type === undefined || data.type === type) &&
  (owner === undefined || data.owner === owner);
