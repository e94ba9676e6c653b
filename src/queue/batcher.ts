/** Gathers the commands that are enqueued in one tick into jobs: one script of BullMQ then carries up to a hundred. */
import { BATCH_BYTES, BATCH_COMMANDS, type WireCommand } from './wire.js';

interface Batch {
  jobId: string;
  commands: WireCommand[];
  bytes: number;
  sent: Promise<void>;
}

export class Batcher {
  readonly #newJobId: () => string;
  readonly #send: (jobId: string, commands: WireCommand[]) => Promise<void>;
  #open: Batch | undefined;

  constructor(newJobId: () => string, send: (jobId: string, commands: WireCommand[]) => Promise<void>) {
    this.#newJobId = newJobId;
    this.#send = send;
  }

  /** Resolves to the id of the job that carries the command, once it is in the queue. */
  async add(command: WireCommand): Promise<string> {
    const bytes = Buffer.byteLength(JSON.stringify(command));
    const batch = this.#batchFor(bytes);
    batch.commands.push(command);
    batch.bytes += bytes;
    await batch.sent;
    return batch.jobId;
  }

  #batchFor(bytes: number): Batch {
    const open = this.#open;
    if (open && open.commands.length < BATCH_COMMANDS && open.bytes + bytes <= BATCH_BYTES) return open;
    const batch: Batch = { jobId: this.#newJobId(), commands: [], bytes: 0, sent: Promise.resolve() };
    batch.sent = new Promise((resolve) => setImmediate(resolve)).then(() => {
      if (this.#open === batch) this.#open = undefined;
      return this.#send(batch.jobId, batch.commands);
    });
    this.#open = batch;
    return batch;
  }
}
