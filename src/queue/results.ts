/** Waits for results: heard on a channel of this process' own, and read from the job where the channel may be silent. */
import { randomUUID } from 'node:crypto';
import { closeClient, type RedisClient, wake } from '../redis/connection.js';
import { ClosedError } from '../tokens/errors.js';
import type { CommandResult, JobResult } from './wire.js';

/** A command whose result is waited for. */
export interface Awaited {
  operation: string;
  jobId: string;
  commandId: string;
}

/** Reads a result from where the worker keeps it; `undefined` where there is none yet. */
export type ReadResult<A extends Awaited> = (awaited: A) => Promise<CommandResult | undefined>;

interface Waiter<A extends Awaited> {
  awaited: A;
  settle(result: CommandResult): void;
  fail(error: unknown): void;
  poll(): void;
}

const FIRST_POLL = 25; // ms; for a result that another process' channel hears of
const SLOWEST_POLL = 1_000; // ms; also for a message that was lost

export class ResultInbox<A extends Awaited> {
  /** Names this process in `replyTo`. */
  readonly source = randomUUID();
  readonly #client: RedisClient;
  readonly #channel: string;
  readonly #read: ReadResult<A>;
  readonly #waiters = new Map<string, Waiter<A>>();
  /** Results of commands that are being sent, by command id. */
  readonly #early = new Map<string, CommandResult | undefined>();
  #listening = false;
  #probing = false;
  #opened = false;

  /** @param client a client of ours for the subscription alone. @param channelOf the channel of a source. */
  constructor(client: RedisClient, channelOf: (source: string) => string, read: ReadResult<A>) {
    this.#client = client;
    this.#channel = channelOf(this.source);
    this.#read = read;
    client.on('message', (_channel: string, text: string) => this.#hear(text));
    client.on('close', () => {
      this.#listening = false;
    });
    client.on('ready', () => this.#listen());
  }

  get replyTo(): string {
    return this.#channel;
  }

  /** Begins to listen. Whoever calls this before a command is enqueued hears its result without asking. */
  open(): void {
    if (this.#opened) return;
    this.#opened = true;
    if (this.#client.status === 'ready') this.#listen();
    else wake(this.#client);
  }

  /**
   * Runs what sends a command and waits for its result: a result that comes before the sender knows that the command
   * was sent is kept for it.
   */
  async expect<T>(commandId: string, work: () => Promise<T>): Promise<T> {
    this.open();
    this.#early.set(commandId, undefined);
    try {
      return await work();
    } finally {
      this.#early.delete(commandId);
    }
  }

  /**
   * Resolves with the result, or with `undefined` after `timeout` milliseconds.
   * @param fresh whether the command was sent by this process just now: then its result will be heard.
   */
  wait(awaited: A, timeout: number, fresh: boolean): Promise<CommandResult | undefined> {
    this.open();
    const early = this.#early.get(awaited.commandId);
    if (early?.op === awaited.operation) return Promise.resolve(early);
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + timeout; // which goes on, whatever becomes of the wall clock
      let delay = fresh && this.#listening ? Math.min(SLOWEST_POLL, timeout / 2) : 0;
      let timer: NodeJS.Timeout;
      const key = keyOf(awaited);
      const previous = this.#waiters.get(key);
      const end = () => {
        clearTimeout(timer);
        if (this.#waiters.get(key) === waiter) this.#waiters.delete(key);
      };
      const waiter: Waiter<A> = {
        awaited,
        settle: (result) => {
          previous?.settle(result); // two calls may wait for the same command
          end();
          resolve(result);
        },
        fail: (error) => {
          previous?.fail(error);
          end();
          reject(error);
        },
        poll: () => {
          const left = deadline - performance.now();
          if (left <= 0) {
            end();
            resolve(undefined);
            return;
          }
          this.#probe();
          this.#read(awaited).then(
            (result) => {
              if (result) waiter.settle(result);
            },
            () => {}, // not reachable now: asked again until the time is up
          );
          schedule();
        },
      };
      const schedule = () => {
        clearTimeout(timer);
        timer = setTimeout(waiter.poll, Math.max(0, Math.min(delay, deadline - performance.now())));
        delay = Math.min(SLOWEST_POLL, Math.max(FIRST_POLL, delay * 2));
      };
      this.#waiters.set(key, waiter);
      schedule();
    });
  }

  async close(): Promise<void> {
    for (const waiter of [...this.#waiters.values()]) waiter.fail(new ClosedError('TokenProducer'));
    await closeClient(this.#client);
  }

  #listen(): void {
    if (!this.#opened) return;
    this.#client.subscribe(this.#channel).then(
      () => {
        this.#listening = true;
        // What was published before this is heard of by nobody.
        for (const waiter of [...this.#waiters.values()]) waiter.poll();
      },
      () => {}, // the connection is lost again: its return brings us back here
    );
  }

  /** A connection that has gone without a word is noticed by what it does not answer: see `socketTimeout`. */
  #probe(): void {
    if (!this.#listening || this.#probing) return;
    this.#probing = true;
    const end = () => {
      this.#probing = false;
    };
    this.#client.ping().then(end, end);
  }

  /** Whatever else is published here, by whomever, is left aside. */
  #hear(text: string): void {
    let message: Partial<JobResult> | null;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    const { jobId, results } = message ?? {};
    if (typeof jobId !== 'string' || !Array.isArray(results)) return;
    for (const result of results) {
      if (!result) continue;
      const { commandId, op: operation } = result;
      const waiter = this.#waiters.get(keyOf({ jobId, commandId, operation }));
      if (waiter) waiter.settle(result);
      else if (this.#early.has(commandId)) this.#early.set(commandId, result);
    }
  }
}

/** A command's id may stand on both lanes: the operation tells which is meant. */
const keyOf = ({ operation, jobId, commandId }: Awaited): string => `${operation} ${jobId} ${commandId}`;
