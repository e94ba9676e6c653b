/** Whose events are of interest. */

export interface EventFilter {
  /** Of this app alone. */
  app?: string | undefined;
  /** Of this type of token alone. */
  type?: string | undefined;
  /** Of this owner alone. */
  owner?: string | undefined;
}

/** Not every event is of an owner. */
interface Told {
  data: { app: string; type: string; owner?: string };
}

export const isFor = ({ app, type, owner }: EventFilter, { data }: Told): boolean =>
  (app === undefined || data.app === app) &&
  (type === undefined || data.type === type) &&
  (owner === undefined || data.owner === owner);
