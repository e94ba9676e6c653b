/** What the console's page and its server say to each other. */

/** Live tokens of a scope. */
export interface ScopeLive {
  app: string;
  type: string;
  live: number;
}

export interface LaneShown {
  lane: string;
  paused: boolean;
  workers: number;
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  /** Milliseconds for which the oldest has waited; absent where none waits. */
  oldest?: number;
}

/** How the deployment stood at a time. Counters rise; what happened between two samples is their difference. */
export interface Sample {
  /** Epoch milliseconds. */
  at: number;
  live: number;
  /** The largest scopes. */
  scopes: ScopeLive[];
  /** Jobs that wait, of both queues. */
  waiting: number;
  /** Events that were ever told in the deployment. */
  events: number;
  /** Commands that this worker has run since it began. */
  commands: number;
}

export interface OverviewAnswer {
  /** Who is at this end. */
  user: string;
  version: string;
  redis: string;
  prefix: string;
  /** Whether Bull Board is there. */
  board: boolean;
  /** Whether a session can be ended here, or is a proxy's. */
  canLogOut: boolean;
  /** Nothing where Redis does not answer. */
  standing?: { live: number; complete: boolean; scopes: ScopeLive[]; sweepLag: number; queues: LaneShown[] };
  /** The last hour, the oldest first. */
  history: Sample[];
}

/** A token as it may be shown: neither its secret nor its data. */
export interface TokenShown {
  id: string;
  label?: string;
  hint?: string;
  version: number;
  createdAt: number;
  expiresAt: number;
  lastUsedAt?: number;
}

export interface OwnerAnswer {
  count: number;
  tokens: TokenShown[];
  /** Whether there are more than are shown. */
  more: boolean;
}

export interface DeadLetterShown {
  lane: string;
  job: string;
  failedAt: number;
  attempts: number;
  reason: string;
  /** What it was to do: operation, app, type, owner or id. */
  commands: string[];
}

export interface DeadLettersAnswer {
  count: number;
  /** The newest. */
  letters: DeadLetterShown[];
}

export interface EventShown {
  id: string;
  type: string;
  subject: string;
  time: string;
  app: string;
  tokenType: string;
  owner: string;
  detail: string;
}

/** One message of the stream of events. */
export interface EventsMessage {
  events: EventShown[];
  /** Events that came too fast to be shown. */
  skipped: number;
  /** Whether some may have been missed. */
  lost?: true;
}

export interface Problem {
  problem: string;
}
