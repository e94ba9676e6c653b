/** TokenProducer: the operations as commands on a queue, for services that leave Redis to a worker. */
import { randomBytes } from 'node:crypto';
import { type Connection, defaultSpread, LASTING_CLIENT, openClient } from '../redis/connection.js';
import { Deployment } from '../redis/deployment.js';
import { Keys } from '../redis/keys.js';
import { PepperCheck } from '../redis/pepper-check.js';
import { Store } from '../redis/store.js';
import { ActiveCalls } from '../tokens/active-calls.js';
import { stampWhenReady } from '../tokens/clock.js';
import { type FieldProblem, fromWireError, ResultTimeoutError } from '../tokens/errors.js';
import { commandIdProblem } from '../tokens/fields.js';
import type { Operation, Operations, ScopeDefaults, TokenOperations } from '../tokens/operations.js';
import {
  checkOptions,
  isMilliseconds,
  resolveTokenOptions,
  TOKEN_OPTION_RULES,
  type TokenOptions,
  wholeNumber,
} from '../tokens/options.js';
import { type Sealed, Sealer } from '../tokens/sealer.js';
import { isTelemetry } from '../tokens/telemetry.js';
import type {
  AnyData,
  ConsumeInput,
  CountInput,
  CreateInput,
  DeleteAllInput,
  DeleteAppInput,
  DeleteByIdInput,
  DeleteInput,
  DeleteScopeInput,
  GetInput,
  IdInput,
  ListInput,
  OwnersInput,
  OwnersPage,
  RefreshInput,
  RotateInput,
  Token,
  TokenInput,
  TokenRecord,
  UpdateInput,
} from '../tokens/types.js';
import { type BatchOptions, resolveBatchOptions } from './batcher.js';
import { CommandQueues } from './command-queues.js';
import { KeptResults } from './kept-results.js';
import { laneOf } from './lanes.js';
import {
  type CommandOptions,
  type EnqueueOptions,
  ProducerScope,
  type ResultOptions,
} from './producer-scope.js';
import { QueueDepth } from './queue-depth.js';
import { checkReceipt, makeReceipt, type Receipt, type ReceiptData } from './receipt.js';
import { ResultInbox } from './results.js';
import type { QueueTelemetry } from './telemetry.js';
import { type RotatedValue, toWire } from './wire.js';

const OPTION_RULES = {
  commandId: (value: unknown) => commandIdProblem(value) && '1–128 of A–Z a–z 0–9 . _ -',
  timeout: isMilliseconds,
};

/** Those of a batch have rules of their own. */
const RULES = {
  ...TOKEN_OPTION_RULES,
  batch: () => undefined,
  maxQueueDepth: wholeNumber(1, 10_000_000, 'jobs'),
  telemetry: isTelemetry,
};

export interface TokenProducerOptions extends TokenOptions {
  /** How commands without a `commandId` of the caller's own are gathered into jobs. */
  batch?: BatchOptions | undefined;
  /**
   * Jobs that may wait in the lane `commands`, in all of its queues together, 1–10,000,000: a command that finds as many is
   * refused with `QueueFullError`, and a revocation never is. Default: any number.
   */
  maxQueueDepth?: number | undefined;
  /** Traces operations, through the worker and back: `openTelemetry()` of `redis-tokens/telemetry`. Default: none are. */
  telemetry?: QueueTelemetry | undefined;
}

/**
 * The operations of `RedisTokens`, run by a worker. Each waits for its result; `enqueue` does not.
 *
 * @example
 * const producer = new TokenProducer('redis://localhost:6379');
 * const { token } = await producer.create({ app: 'shop', type: 'session', owner: 'ann', duration: 86_400 });
 * const receipt = await producer.enqueue('deleteAll', { app: 'shop', type: 'session', owner: 'ann' });
 * await producer.result(receipt); // 1
 */
export class TokenProducer implements TokenOperations {
  readonly #timeout: number;
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #deployment: Deployment;
  readonly #sealer: Sealer;
  readonly #inbox: ResultInbox<ReceiptData>;
  readonly #calls = new ActiveCalls('TokenProducer');
  readonly #queues: CommandQueues;
  readonly #telemetry: QueueTelemetry | undefined;
  #closing: Promise<void> | undefined;

  /**
   * @param connection a `redis:` or `rediss:` URL, ioredis options, or an ioredis client, which is duplicated.
   *   Default `redis://localhost:6379`.
   * @throws {ConfigError} for a connection or an option that can not work.
   */
  constructor(connection?: Connection, options: TokenProducerOptions = {}) {
    checkOptions('TokenProducer', options, RULES);
    const batch = resolveBatchOptions(options.batch);
    const resolved = resolveTokenOptions(options, defaultSpread(connection));
    this.#timeout = resolved.timeout;
    this.#telemetry = options.telemetry;
    this.#store = new Store(connection, resolved.timeout, true);
    this.#keys = new Keys(resolved.prefix);
    const peppers = new PepperCheck(this.#store, this.#keys, resolved.peppers);
    this.#deployment = new Deployment(this.#store, this.#keys, resolved, { peppers });
    this.#sealer = new Sealer(resolved, this.#deployment);
    this.#inbox = new ResultInbox(
      openClient(connection, { ...LASTING_CLIENT, socketTimeout: resolved.timeout }),
      (source) => this.#keys.results(source),
      (receipt) => kept.read(receipt),
    );
    const partitions = resolved.partitions as number;
    const { replyTo } = this.#inbox;
    const { maxQueueDepth: limit } = options;
    const depth =
      limit === undefined ? undefined : new QueueDepth(this.#store, this.#keys, partitions, limit);
    this.#queues = new CommandQueues(
      this.#store,
      this.#keys,
      replyTo,
      partitions,
      batch,
      depth,
      this.#telemetry,
    );
    const kept = new KeptResults(this.#store, this.#keys, this.#queues);
  }

  create<D extends object = AnyData>(input: CreateInput<D>, options?: CommandOptions): Promise<Token<D>> {
    return this.#perform('create', input as CreateInput, options) as Promise<Token<D>>;
  }

  get<D extends object = AnyData>(input: GetInput, options?: CommandOptions): Promise<Token<D> | undefined> {
    return this.#perform('get', input, options) as Promise<Token<D> | undefined>;
  }

  update<D extends object = AnyData>(
    input: UpdateInput<NoInfer<D>>,
    options?: CommandOptions,
  ): Promise<Token<D> | undefined> {
    return this.#perform('update', input as UpdateInput, options) as Promise<Token<D> | undefined>;
  }

  refresh<D extends object = AnyData>(
    input: RefreshInput,
    options?: CommandOptions,
  ): Promise<Token<D> | undefined> {
    return this.#perform('refresh', input, options) as Promise<Token<D> | undefined>;
  }

  /**
   * As in process. With a `commandId`, whoever has the token and calls this again with it, in another process too, is given
   * the same successor for as long as the result is kept.
   */
  rotate<D extends object = AnyData>(
    input: RotateInput,
    options?: CommandOptions,
  ): Promise<Token<D> | undefined> {
    return this.#perform('rotate', input, options) as Promise<Token<D> | undefined>;
  }

  delete(input: DeleteInput, options?: CommandOptions): Promise<boolean> {
    return this.#perform('delete', input, options) as Promise<boolean>;
  }

  deleteAll(input: DeleteAllInput, options?: CommandOptions): Promise<number> {
    return this.#perform('deleteAll', input, options) as Promise<number>;
  }

  consume<D extends object = AnyData>(
    input: ConsumeInput,
    options?: CommandOptions,
  ): Promise<Token<D> | undefined> {
    return this.#perform('consume', input, options) as Promise<Token<D> | undefined>;
  }

  getById<D extends object = AnyData>(
    input: IdInput,
    options?: CommandOptions,
  ): Promise<TokenRecord<D> | undefined> {
    return this.#perform('getById', input, options) as Promise<TokenRecord<D> | undefined>;
  }

  deleteById(input: DeleteByIdInput, options?: CommandOptions): Promise<boolean> {
    return this.#perform('deleteById', input, options) as Promise<boolean>;
  }

  deleteScope(input: DeleteScopeInput, options?: CommandOptions): Promise<number> {
    return this.#perform('deleteScope', input, options) as Promise<number>;
  }

  deleteApp(input: DeleteAppInput, options?: CommandOptions): Promise<number> {
    return this.#perform('deleteApp', input, options) as Promise<number>;
  }

  list<D extends object = AnyData>(input: ListInput, options?: CommandOptions): Promise<TokenRecord<D>[]> {
    return this.#perform('list', input, options) as Promise<TokenRecord<D>[]>;
  }

  count(input: CountInput, options?: CommandOptions): Promise<number> {
    return this.#perform('count', input, options) as Promise<number>;
  }

  owners(input: OwnersInput, options?: CommandOptions): Promise<OwnersPage> {
    return this.#perform('owners', input, options).then(asPage);
  }

  /**
   * Resolves once the command is safely in Redis; its result can be asked for later, by this process or another.
   * @throws {ValidationError} before any I/O.
   * @throws {CommandConflictError} where `commandId` was enqueued with another content.
   * @throws {QueueFullError} where more jobs wait than `maxQueueDepth` allows: nothing was enqueued.
   * @throws {StoreUnavailableError} outcome `unknown`: the command may have been enqueued.
   */
  enqueue<O extends Operation>(
    operation: O,
    input: Operations[O]['input'],
    options: EnqueueOptions = {},
  ): Promise<Receipt<O>> {
    return this.#calls.run(() => {
      checkOptions('enqueue', options, { commandId: OPTION_RULES.commandId });
      const sealed = this.#seal(operation, input, options);
      const { commandId = newCommandId() } = options;
      return this.#traced(operation, sealed.command, 'enqueue', () =>
        this.#enqueue(operation, sealed, commandId, options.commandId !== undefined),
      );
    });
  }

  /**
   * The result of an enqueued command: what its operation resolves to, with a record in place of a token.
   * @throws {ResultTimeoutError} where there is none within `timeout`.
   * @throws {TokenError} what the command failed with.
   */
  result<O extends Operation>(
    receipt: ReceiptData<O>,
    options: ResultOptions = {},
  ): Promise<Operations[O]['result']> {
    return this.#calls.run(() => {
      checkOptions('result', options, { timeout: OPTION_RULES.timeout });
      checkReceipt(receipt);
      return this.#traced(receipt.operation, receipt, 'result', () => this.#result<O>(receipt, options));
    });
  }

  idOf(input: TokenInput): string {
    return this.#sealer.idOf(input);
  }

  scope<D extends object = AnyData>(scope: ScopeDefaults): ProducerScope<D> {
    return new ProducerScope<D>(this, scope);
  }

  ready(): Promise<void> {
    return this.#calls.run(() => this.#deployment.ready());
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** For `await using`: the same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One operation from end to end: enqueued, and waited for. */
  #perform(
    operation: Operation,
    input: Operations[Operation]['input'],
    options: CommandOptions = {},
  ): Promise<unknown> {
    return this.#calls.run(async () => {
      checkOptions(operation, options, OPTION_RULES);
      const sealed = this.#seal(operation, input, options);
      if (!sealed.possible) return operation === 'delete' ? false : undefined;
      const commandId = options.commandId ?? newCommandId();
      const value = await this.#traced(operation, sealed.command, undefined, () =>
        this.#inbox.expect(commandId, async () => {
          const receipt = await this.#enqueue(operation, sealed, commandId, options.commandId !== undefined);
          return this.#value(receipt, options, options.commandId === undefined);
        }),
      );
      if (sealed.successor) return toSuccessor(value as RotatedValue | undefined, sealed.successor);
      const isRecord = sealed.token !== undefined && typeof value === 'object';
      return isRecord ? { ...(value as object), token: sealed.token } : value;
    });
  }

  /** @param part which part of the operation it is, where it is not all of it. */
  #traced<T>(
    operation: Operation,
    of: object,
    part: 'enqueue' | 'result' | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (!this.#telemetry) return work();
    const { id } = of as { id?: string };
    const name = part ? `${part} ${operation}` : operation;
    const kind = part === 'result' ? 'client' : 'producer';
    return this.#telemetry.span({ operation, name, kind, lane: laneOf(operation), id }, work);
  }

  #seal<O extends Operation>(
    operation: O,
    input: Operations[O]['input'],
    { commandId }: EnqueueOptions,
  ): Sealed<O> {
    const problems: FieldProblem[] = [];
    if (
      operation === 'create' &&
      commandId !== undefined &&
      (input as CreateInput | undefined)?.customToken === undefined
    ) {
      // Enqueued again, it would hand out a second token, which is never made.
      problems.push({ field: 'customToken', problem: 'is needed with a commandId (see generateToken)' });
    }
    return this.#sealer.seal(operation, input, problems);
  }

  async #enqueue<O extends Operation>(
    operation: O,
    { command, token }: Sealed<O>,
    commandId: string,
    isCallers: boolean,
  ): Promise<Receipt<O>> {
    if (!this.#deployment.isReady) await stampWhenReady(command, this.#deployment);
    const wire = toWire(command, commandId);
    const lane = laneOf(operation);
    const jobId = await (isCallers ? this.#queues.addOnce(lane, wire) : this.#queues.add(lane, wire));
    const id = 'id' in command ? { id: command.id } : {};
    const secret = operation === 'create' ? token : undefined;
    return makeReceipt({ operation, commandId: wire.commandId, jobId, ...id }, secret);
  }

  /** Of a rotation without its nonce: whoever has no more than the receipt can make nothing of it. */
  async #result<O extends Operation>(
    receipt: ReceiptData<O>,
    options: ResultOptions,
  ): Promise<Operations[O]['result']> {
    const value = await this.#value(receipt, options, false);
    if (receipt.operation === 'rotate' && value) delete (value as Partial<RotatedValue>).nonce;
    return value as Operations[O]['result'];
  }

  async #value(
    receipt: ReceiptData,
    { timeout = this.#timeout }: ResultOptions,
    heard: boolean,
  ): Promise<unknown> {
    const result = await this.#inbox.wait(receipt, timeout, heard);
    if (!result) {
      throw new ResultTimeoutError(
        `no result of ${receipt.operation} within ${timeout} ms: it may still run`,
        receipt,
      );
    }
    if (result.error) throw fromWireError(result.error);
    return result.value;
  }

  async #close(): Promise<void> {
    await this.#calls.close();
    await this.#inbox.close();
    await this.#queues.close();
    this.#deployment.leave();
    await this.#store.close();
  }
}

const newCommandId = (): string => randomBytes(16).toString('base64url');

/** JSON knows no `undefined`: it leaves out the cursor of the last page. */
const asPage = (value: unknown): OwnersPage => ({
  ...(value as OwnersPage),
  cursor: (value as OwnersPage).cursor,
});

/** The token of the successor that took effect, be it that of another command. */
function toSuccessor(
  value: RotatedValue | undefined,
  successor: (nonce: string) => string,
): Token | undefined {
  if (!value) return undefined;
  const { nonce, ...record } = value;
  return { ...record, token: successor(nonce) };
}
