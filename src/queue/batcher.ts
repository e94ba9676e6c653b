/** Gathers the commands that are enqueued together into jobs: one script of BullMQ then carries up to a hundred. */
import { checkOptions, type OptionRule, wholeNumber } from '../tokens/options.js';
import { BATCH_BYTES, BATCH_COMMANDS, type WireCommand } from './wire.js';

/** How commands travel together. */
export interface BatchOptions {
  /** Commands that one job carries at most, 1–100. Default 100. */
  max?: number | undefined;
  /**
   * Milliseconds for which a job waits for more commands, 0–1,000. Default 0: for those of the same tick. A revocation
   * waits for those of its tick only.
   */
  window?: number | undefined;
}

export type ResolvedBatchOptions = { max: number; window: number };

const RULES: Record<keyof BatchOptions, OptionRule> = {
  max: wholeNumber(1, BATCH_COMMANDS, 'commands'),
  window: wholeNumber(0, 1_000, 'milliseconds'),
};

/** With every default. @throws {ConfigError} */
export function resolveBatchOptions(options: BatchOptions = {}): ResolvedBatchOptions {
  checkOptions('batch', options, RULES);
  return { max: options.max ?? BATCH_COMMANDS, window: options.window ?? 0 };
}

interface Batch {
  jobId: string;
  commands: WireCommand[];
  bytes: number;
  /** Ends the waiting for more. */
  close(): void;
  sent: Promise<void>;
}

export class Batcher {
  readonly #options: ResolvedBatchOptions;
  readonly #newJobId: () => string;
  readonly #send: (jobId: string, commands: WireCommand[]) => Promise<void>;
  #open: Batch | undefined;

  constructor(
    options: ResolvedBatchOptions,
    newJobId: () => string,
    send: (jobId: string, commands: WireCommand[]) => Promise<void>,
  ) {
    this.#options = options;
    this.#newJobId = newJobId;
    this.#send = send;
  }

  /** Whether a command would go with others, in a job that waits for more. */
  hasRoomFor(command: WireCommand): boolean {
    return this.#open !== undefined && this.#open.bytes + bytesOf(command) <= BATCH_BYTES;
  }

  /** Resolves to the id of the job that carries the command, once it is in the queue. */
  async add(command: WireCommand): Promise<string> {
    const bytes = bytesOf(command);
    if (this.#open && this.#open.bytes + bytes > BATCH_BYTES) this.#open.close();
    this.#open ??= this.#begin();
    const batch = this.#open;
    batch.commands.push(command);
    batch.bytes += bytes;
    if (batch.commands.length >= this.#options.max) batch.close();
    await batch.sent;
    return batch.jobId;
  }

  #begin(): Batch {
    const [jobId, commands]: [string, WireCommand[]] = [this.#newJobId(), []];
    const batch: Batch = { jobId, commands, bytes: 0, close: () => {}, sent: Promise.resolve() };
    const closed = new Promise<void>((resolve) => {
      batch.close = () => {
        if (this.#open === batch) this.#open = undefined;
        clearTimeout(timer);
        resolve();
      };
    });
    const timer = this.#options.window > 0 ? setTimeout(batch.close, this.#options.window) : undefined;
    if (!timer) setImmediate(batch.close);
    batch.sent = closed.then(() => this.#send(jobId, commands));
    return batch;
  }
}

const bytesOf = (command: WireCommand): number => Buffer.byteLength(JSON.stringify(command));
