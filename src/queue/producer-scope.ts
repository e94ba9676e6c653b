/** A producer's operations for one scope, with its defaults filled in. */

import type {
  Operation,
  Operations,
  ScopeDefaults,
  ScopedOperation,
  Unscoped,
} from '../tokens/operations.js';
import { type Door, DoorScope } from '../tokens/scope.js';
import type { AnyData, Scope } from '../tokens/types.js';
import type { Receipt, ReceiptData } from './receipt.js';

/** How a command is enqueued. */
export interface EnqueueOptions {
  /** 1–128 of `[A-Za-z0-9._-]`: enqueued again while its result is kept, the command is the same one. */
  commandId?: string | undefined;
}

/** How its result is waited for. */
export interface ResultOptions {
  /** Milliseconds to wait for the result. Default: the producer's `timeout`. */
  timeout?: number | undefined;
}

/** Of an operation that is enqueued and waited for. */
export type CommandOptions = EnqueueOptions & ResultOptions;

/** What a scope needs of a producer. */
export interface CommandDoor extends Door<CommandOptions> {
  enqueue<O extends Operation>(
    operation: O,
    input: Operations[O]['input'],
    options?: EnqueueOptions,
  ): Promise<Receipt<O>>;
  result<O extends Operation>(
    receipt: ReceiptData<O>,
    options?: ResultOptions,
  ): Promise<Operations[O]['result']>;
}

/** The operations of one scope, as commands. */
export class ProducerScope<D extends object = AnyData> extends DoorScope<D, CommandOptions> {
  readonly #door: CommandDoor;

  constructor(door: CommandDoor, scope: ScopeDefaults) {
    super(door, scope);
    this.#door = door;
  }

  /** As the producer's, without what the scope fills in. */
  enqueue<O extends ScopedOperation>(
    operation: O,
    input: Unscoped<Operations<D>[O]['input']>,
    options?: EnqueueOptions,
  ): Promise<Receipt<O>> {
    return this.#door.enqueue(
      operation,
      this.fill(input as Unscoped<Scope>, operation) as unknown as Operations[O]['input'],
      options,
    );
  }

  /** As the producer's. */
  result<O extends Operation>(
    receipt: ReceiptData<O>,
    options?: ResultOptions,
  ): Promise<Operations<D>[O]['result']> {
    return this.#door.result(receipt, options) as Promise<Operations<D>[O]['result']>;
  }
}
