// Who was asked for what, and what was answered: all that is held against Redis when the killing is over.
import {
  type Operation,
  type Operations,
  type ReceiptData,
  TokenError,
  type TokenProducer,
  type TokenRecord,
} from '../../../src/index.js';
import type { CommandResult } from '../../../src/queue/wire.js';

/** Longer than a job can take whose workers are killed again and again. */
export const PATIENCE = 240_000;

export type Answer =
  | { status: 'completed'; value: unknown }
  | { status: 'failed'; code: string; message: string };

/** What a command was meant for, as far as it is judged by it. */
export interface Meaning {
  owner: string;
  /** The key that an update sets, to `true`. */
  key?: string;
  /** The data of a create. */
  data?: Record<string, unknown>;
  /** A revocation was issued after this create: it must not live. */
  doomed?: boolean;
  /** Of a create: what its owner may have. */
  limit?: { max: number; overflow: 'reject' | 'end-oldest' };
  /** Of an update: the version that it asks for, which the token has not. */
  ifVersion?: number;
  /** Milliseconds of a life so short that the token may expire while its commands wait. */
  short?: number;
}

/** One command. */
export interface Entry<O extends Operation = Operation> {
  /** Its place among all commands, in the order in which they were issued. */
  readonly order: number;
  readonly op: O;
  readonly meaning: Meaning;
  readonly receipt: ReceiptData<O>;
  readonly sentAt: number;
  answeredAt?: number;
  /** The first answer. */
  answer?: Answer;
}

export class Ledger {
  readonly entries: Entry[] = [];
  /** What every token that was ever asked for is presented with, by id. */
  readonly tokens = new Map<string, { app: string; type: string; token: string }>();
  /** Results as they were heard on the channels, by job. */
  readonly heard = new Map<string, CommandResult[][]>();
  /** What went against expectation at once, by the command that it concerns. */
  readonly surprises: { entry: Entry; text: string }[] = [];
  readonly #begun = performance.now();
  #orders = 0;

  /** Milliseconds since it was opened. */
  get time(): number {
    return Math.round(performance.now() - this.#begun);
  }

  /** Enqueues a command, by several producers at once where it has a commandId, and enters it. */
  async send<O extends Operation>(
    producers: readonly TokenProducer[],
    op: O,
    input: Operations[O]['input'],
    meaning: Meaning,
    commandId?: string,
  ): Promise<Entry<O>> {
    const order = this.#orders++;
    const sentAt = this.time;
    const receipts = await Promise.all(
      producers.map((producer) => producer.enqueue(op, input, commandId === undefined ? {} : { commandId })),
    );
    const receipt = receipts[0] as ReceiptData<O> & { token?: string };
    const entry: Entry<O> = { order, op, meaning, receipt: { ...receipt }, sentAt };
    this.entries.push(entry);
    const { app, type, token } = { token: receipt.token, ...input } as Record<string, string>;
    if (op === 'create' && receipt.id && token && app && type)
      this.tokens.set(receipt.id, { app, type, token });
    for (const { jobId, id } of receipts as ReceiptData[]) {
      if (jobId !== receipt.jobId || id !== receipt.id)
        this.surprise(entry, `enqueued again it is the job ${jobId}`);
    }
    return entry;
  }

  /** Waits for the answer, and enters it. */
  async answerOf(producer: TokenProducer, entry: Entry): Promise<Answer> {
    const answer = await ask(producer, entry);
    entry.answer ??= answer;
    entry.answeredAt ??= this.time;
    return answer;
  }

  surprise(entry: Entry, text: string): void {
    this.surprises.push({ entry, text });
  }

  hear(jobId: string, results: CommandResult[]): void {
    const before = this.heard.get(jobId);
    if (before) before.push(results);
    else this.heard.set(jobId, [results]);
  }
}

/** What a producer answers for a receipt that came to it as JSON. */
export async function ask(producer: TokenProducer, { receipt }: Entry, timeout = PATIENCE): Promise<Answer> {
  try {
    const value = await producer.result(JSON.parse(JSON.stringify(receipt)), { timeout });
    return { status: 'completed', value };
  } catch (error) {
    return {
      status: 'failed',
      code: error instanceof TokenError ? error.code : 'UNKNOWN',
      message: (error as Error).message,
    };
  }
}

/** The record in an answer, where there is one. */
export const recordIn = (answer: Answer | undefined): TokenRecord | undefined =>
  answer?.status === 'completed' && typeof answer.value === 'object'
    ? (answer.value as TokenRecord)
    : undefined;

export const isAlive = (answer: Answer | undefined): boolean => recordIn(answer) !== undefined;

/** A record without what its use changes, which is no version of it. */
export function unused(record: TokenRecord): object {
  const { lastUsedAt: _, expiresAt, ...rest } = record;
  return record.idle === undefined ? { ...rest, expiresAt } : rest;
}
