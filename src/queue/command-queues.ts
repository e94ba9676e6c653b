/** The queues as a producer fills them: with the commands of one tick in one job, and one of a caller's own id only once. */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Job, Queue } from 'bullmq';
import type { Keys } from '../redis/keys.js';
import type { Store } from '../redis/store.js';
import { CommandConflictError } from '../tokens/errors.js';
import type { TracePoint } from '../tokens/telemetry.js';
import { Batcher, type ResolvedBatchOptions } from './batcher.js';
import { type Lane, type LaneQueue, nameOf, queueOf } from './lanes.js';
import { openQueue } from './open-queue.js';
import { LIMITED, type QueueDepth } from './queue-depth.js';
import type { QueueTelemetry } from './telemetry.js';
import type { JobData, WireCommand } from './wire.js';

export class CommandQueues {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #replyTo: string;
  readonly #partitions: number;
  readonly #open = new Map<string, Queue>();
  readonly #batchers: Record<Lane, Batcher>;
  /** Of the lane `commands`, where that is limited. */
  readonly #depth: QueueDepth | undefined;
  readonly #telemetry: QueueTelemetry | undefined;
  /** Whose traces commands that wait for their batch are of. */
  readonly #points = new WeakMap<WireCommand, TracePoint>();

  constructor(
    store: Store,
    keys: Keys,
    replyTo: string,
    partitions: number,
    batch: ResolvedBatchOptions,
    depth?: QueueDepth,
    telemetry?: QueueTelemetry,
  ) {
    this.#store = store;
    this.#keys = keys;
    this.#replyTo = replyTo;
    this.#partitions = partitions;
    this.#depth = depth;
    this.#telemetry = telemetry;
    const begin = (lane: Lane) => {
      if (lane === LIMITED) depth?.begin();
      return newJobId();
    };
    const batcher = (lane: Lane, options: ResolvedBatchOptions) =>
      new Batcher(
        options,
        () => begin(lane),
        (jobId, commands) => this.#add(lane, jobId, commands.length > 1 ? 'batch' : 'command', commands),
      );
    this.#batchers = {
      commands: batcher('commands', batch),
      revocations: batcher('revocations', { ...batch, window: 0 }),
    };
  }

  /** Resolves to the id of the job that carries the command, once it is in the queue. @throws {QueueFullError} */
  add(lane: Lane, command: WireCommand): Promise<string> {
    if (this.#telemetry) this.#points.set(command, this.#telemetry.here());
    const batcher = this.#batchers[lane];
    return this.#admit(
      lane,
      () => batcher.hasRoomFor(command),
      () => batcher.add(command),
    );
  }

  /**
   * As `add`, for a command of the caller's own id: the first with that id counts, and another must be equal to it.
   * @throws {CommandConflictError} {QueueFullError} also where it was enqueued before.
   */
  async addOnce(lane: Lane, command: WireCommand): Promise<string> {
    const jobId = `c-${command.commandId}`;
    const other = lane === 'commands' ? 'revocations' : 'commands';
    const isTaken = (await this.job(other, jobId)) !== undefined;
    if (!isTaken) await this.#admit(lane, isNever, () => this.#addAlone(lane, jobId, command));
    const stored = isTaken ? undefined : await this.job(lane, jobId);
    const first = (stored?.data as JobData | undefined)?.commands?.[0];
    if (isTaken || (first && !isSame(first, JSON.parse(JSON.stringify(command))))) {
      throw new CommandConflictError(
        `the commandId "${command.commandId}" was enqueued with another content`,
      );
    }
    return jobId;
  }

  job(lane: Lane, jobId: string): Promise<Job | undefined> {
    return this.#store.read(() => this.#queue(this.placeOf(lane, jobId)).getJob(jobId));
  }

  placeOf(lane: Lane, jobId: string): LaneQueue {
    return queueOf(lane, jobId, this.#partitions);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((queue) => queue.close()));
  }

  #admit<T>(lane: Lane, rides: () => boolean, pass: () => Promise<T>): Promise<T> {
    return lane === LIMITED && this.#depth ? this.#depth.admit(rides, pass) : pass();
  }

  #addAlone(lane: Lane, jobId: string, command: WireCommand): Promise<void> {
    if (lane === LIMITED) this.#depth?.begin();
    return this.#add(lane, jobId, 'command', [command]);
  }

  async #add(lane: Lane, jobId: string, name: string, commands: WireCommand[]): Promise<void> {
    try {
      await this.#send(lane, jobId, name, commands);
    } finally {
      if (lane === LIMITED) this.#depth?.end();
    }
  }

  /** Sent again where the reply is lost: a second job with the same id is none. */
  async #send(lane: Lane, jobId: string, name: string, commands: WireCommand[]): Promise<void> {
    const data: JobData = { v: 1, replyTo: this.#replyTo, commands };
    const queue = this.#queue(this.placeOf(lane, jobId));
    const add = () => this.#store.repeat(() => queue.add(name, data, { jobId }), 'unknown');
    if (!this.#telemetry || commands.length === 1) await add();
    else
      await this.#telemetry.carrying(
        commands.map((command) => this.#points.get(command) as TracePoint),
        add,
      );
  }

  #queue(place: LaneQueue): Queue {
    let queue = this.#open.get(nameOf(place));
    if (!queue) {
      queue = openQueue(place, this.#store.client, this.#keys, false, this.#telemetry?.bullmq);
      this.#open.set(nameOf(place), queue);
    }
    return queue;
  }
}

const isNever = (): boolean => false;

/** Never all digits, and no name of BullMQ's own. */
const newJobId = (): string => `j-${randomBytes(16).toString('base64url')}`;

/** Whether two commands ask for the same: of the same token, by whichever peppers it was sealed. */
function isSame(one: WireCommand, other: WireCommand): boolean {
  const [ids, others] = [idsIn(one), idsIn(other)];
  const isOfOneToken = ids.length === 0 ? others.length === 0 : ids.some((id) => others.includes(id));
  return isOfOneToken && isDeepStrictEqual(contentOf(one), contentOf(other));
}

/** The ids of the token that a command is about, or excepts. */
const idsIn = ({ id, except, formerIds }: WireCommand): unknown[] =>
  [id ?? except, formerIds].flat().filter((each) => each !== undefined);

/** What a command asks for of its token: each time that a rotation is sealed, it has another successor. */
function contentOf(command: WireCommand): Record<string, unknown> {
  const { issuedAt: _, id: __, except: ___, formerIds: ____, ...content } = command;
  if (content.op !== 'rotate') return content;
  const { successor: _____, nonce: ______, hint: _______, ...asked } = content;
  return asked;
}
