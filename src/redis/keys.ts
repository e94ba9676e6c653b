/** Every name in Redis comes from here: keys, channels and the queues' prefix. */
import type { JobReference } from '../tokens/repository.js';
import type { Scope } from '../tokens/types.js';

/** A name as a segment of a key or channel: no delimiter, glob or brace is left in it. */
export const segment = (name: string): string => encodeURIComponent(name).replaceAll('*', '%2A');

/** A scope as the arguments that scripts begin with. */
export const scopeArgs = ({ app, type }: Scope): [app: string, type: string] => [
  JSON.stringify(app),
  JSON.stringify(type),
];

/** The ids of a presented token as scripts take them, the newest first. */
export const idsOf = ({
  id,
  formerIds = [],
}: {
  id: string;
  formerIds?: readonly string[] | undefined;
}): string => (formerIds.length > 0 ? [id, ...formerIds].join(' ') : id);

/** Which queue of BullMQ's. */
interface QueuePlace {
  lane: string;
  partition: number;
}

export class Keys {
  readonly prefix: string;
  readonly meta: string;
  /** Whoever migrates the deployment to another layout holds it. */
  readonly layoutLock: string;
  /** Those of the scope that was asked for last: mostly it is asked for again. */
  #scope = { app: '', type: '', segments: '' };

  constructor(prefix: string) {
    this.prefix = prefix;
    this.meta = `{${prefix}}:meta`;
    this.layoutLock = `{${prefix}}:layout-lock`;
  }

  record(shard: number, id: string): string {
    return `${this.#tag(shard)}t:${id}`;
  }

  /** What the keys of the records begin with, shard by shard. */
  records(shards: number): string[] {
    return Array.from({ length: shards }, (_, shard) => this.record(shard, ''));
  }

  /** A glob of keys that every shard has: `t:*` are the records. */
  onEveryShard(names: string): string {
    return `{${this.prefix}:[0-9]*}:${names}`; // and not what a partition of the queues has
  }

  ownerIndex(shard: number, scope: Scope, owner: string): string {
    return `${this.#tag(shard)}o:${this.#scopeSegments(scope)}:${segment(owner)}`;
  }

  scopeIndex(shard: number, scope: Scope): string {
    return `${this.#tag(shard)}s:${this.#scopeSegments(scope)}`;
  }

  /** The scope that a member of `scopes` names, or `undefined` for what was not written here. */
  scopeOf(member: string): Scope | undefined {
    const [app, type, ...rest] = member.split(':');
    if (!app || !type || rest.length > 0) return undefined;
    try {
      return { app: decodeURIComponent(app), type: decodeURIComponent(type) };
    } catch {
      return undefined;
    }
  }

  scopes(shard: number): string {
    return `${this.#tag(shard)}scopes`;
  }

  log(shard: number): string {
    return `${this.#tag(shard)}log`;
  }

  revoked(shard: number): string {
    return `${this.#tag(shard)}revoked`;
  }

  /** Marks of revocations that go on in steps although they are older than marks live: scripts find it by themselves. */
  late(shard: number): string {
    return `${this.#tag(shard)}late`;
  }

  floor(shard: number): string {
    return `${this.#tag(shard)}floor`;
  }

  /** Written, and gone at once, by whoever asks which replicas have what was written before. */
  fence(shard: number): string {
    return `${this.#tag(shard)}fence`;
  }

  /** Who presented tokens that are none, and how often: of all shards together. */
  guesses(): string {
    return `${this.#tag(0)}guesses`;
  }

  /** What was decided for a job's commands. Without a job: a key that no script touches. */
  job(shard: number, job: JobReference | undefined): string {
    return job ? `${this.#tag(shard)}job:${job.queue}:${job.id}:${job.issuedAt}` : `${this.#tag(shard)}job`;
  }

  /** BullMQ's prefix: the keys of a partition's queues lie in one slot of their own. */
  queues(partition = 0): string {
    return partition === 0 ? `{${this.prefix}}` : `{${this.prefix}:q${partition}}`;
  }

  /** A job as BullMQ keeps it. */
  queuedJob(queue: QueuePlace, id: string): string {
    return `${this.#queue(queue)}:${id}`;
  }

  /** Globs of all that BullMQ keeps of the queues of a name, of each partition. */
  everyQueue(name: string): string[] {
    return [`${this.queues()}:${name}:*`, `{${this.prefix}:q*}:${name}:*`];
  }

  /** There once somebody has opened the queue for jobs: BullMQ's. */
  queueMeta(queue: QueuePlace): string {
    return `${this.#queue(queue)}:meta`;
  }

  /** The jobs of a queue that no worker has taken: lists, and sets by when or how soon they are to be: BullMQ's. */
  waitingJobs(queue: QueuePlace): { lists: string[]; sets: string[] } {
    const named = (name: string) => `${this.#queue(queue)}:${name}`;
    return { lists: ['wait', 'paused'].map(named), sets: ['prioritized', 'delayed'].map(named) };
  }

  /** The ids of a queue's jobs that failed for good, by when they did: BullMQ's. */
  failedJobs(queue: QueuePlace): string {
    return `${this.#queue(queue)}:failed`;
  }

  /** Every channel of events, or those of an event type, an app, a token type: a glob where one is left out. */
  events(type = '*', app?: string, tokenType?: string): string {
    return `${this.prefix}:events:${type}:${glob(app)}:${glob(tokenType)}`;
  }

  results(source: string): string {
    return `${this.prefix}:results:${source}`;
  }

  #queue({ lane, partition }: QueuePlace): string {
    return `${this.queues(partition)}:${lane}`;
  }

  #scopeSegments({ app, type }: Scope): string {
    const last = this.#scope;
    if (last.app === app && last.type === type) return last.segments;
    const segments = `${segment(app)}:${segment(type)}`;
    this.#scope = { app, type, segments };
    return segments;
  }

  #tag(shard: number): string {
    return `{${this.prefix}:${shard}}:`;
  }
}

const glob = (name: string | undefined): string => (name === undefined ? '*' : segment(name));
