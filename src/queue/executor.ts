/** Runs the commands of a job against the repository, and tells what came of each. */
import { Keys } from '../redis/keys.js';
import { MICROS_PER_MS } from '../tokens/clock.js';
import { type Command, type Commands, isChange } from '../tokens/commands.js';
import {
  StoreUnavailableError,
  TokenError,
  toWireError,
  ValidationError,
  type WireError,
} from '../tokens/errors.js';
import { DEFAULT_TOUCH_EVERY } from '../tokens/idle.js';
import { resolveTokenOptions, type TokenOptions } from '../tokens/options.js';
import type { Attempt, JobCommand, JobReference, TokenRepository } from '../tokens/repository.js';
import type { TracePoint } from '../tokens/telemetry.js';
import { Touches } from '../tokens/touches.js';
import { TracedRepository } from '../tokens/traced-repository.js';
import type { TokenRecord } from '../tokens/types.js';
import type { Lane } from './lanes.js';
import { Permits } from './permits.js';
import type { QueueTelemetry } from './telemetry.js';
import {
  addressesOf,
  type CommandResult,
  completed,
  failed,
  type ParsedCommand,
  parseJob,
  type RotatedValue,
} from './wire.js';

/** A job as it is handed to the executor. */
export interface ExecutableJob {
  lane: Lane;
  /** The name of its queue. Default: the lane's. */
  queue?: string;
  id: string;
  data: unknown;
  /** What it carries of a trace, where that is given. */
  trace?: unknown;
}

export interface ExecutorRules {
  resultsPrefix: string;
  maxDataBytes: number;
  /** The part of its idle time within which a token's uses are written down once. Default 0.1. */
  touchEvery?: number;
  /** Traces commands. Default: none are. */
  telemetry?: QueueTelemetry | undefined;
}

/** What of a worker's options decides about the jobs that it takes. */
export function executorRules(options: TokenOptions & Pick<ExecutorRules, 'telemetry'>): ExecutorRules {
  const { prefix, maxDataBytes, touchEvery } = resolveTokenOptions(options);
  return {
    resultsPrefix: new Keys(prefix).results(''),
    maxDataBytes,
    touchEvery,
    telemetry: options.telemetry,
  };
}

/** A job as it was read. */
interface ReadJob {
  reference: JobReference;
  commands: readonly ParsedCommand[];
  /** What of it may change something. */
  changes: readonly JobCommand[];
}

/**
 * Commands, other than revocations, that are under way at a time: enough to keep Redis busy, and so few that a
 * revocation waits for some milliseconds of them only.
 */
const COMMANDS_AT_ONCE = 100;

export class CommandExecutor {
  readonly #repository: TokenRepository;
  readonly #rules: ExecutorRules;
  /** Jobs by their data: one that is over is not read anew. */
  readonly #read = new WeakMap<object, ReadJob>();
  readonly #touches: Touches;
  readonly #room = new Permits(COMMANDS_AT_ONCE);

  constructor(repository: TokenRepository, rules: ExecutorRules) {
    const { telemetry } = rules;
    this.#repository = telemetry ? new TracedRepository(repository, telemetry) : repository;
    this.#rules = rules;
    this.#touches = new Touches(repository, rules.touchEvery ?? DEFAULT_TOUCH_EVERY);
  }

  /**
   * Runs a job's commands: those of one token in their order, others side by side.
   * @param lease milliseconds from now on after which nothing may be changed for this attempt.
   * @param hold makes sure that no other attempt runs meanwhile; where it rejects, nothing is run.
   * @throws {ValidationError} where the job can not be read. It will never run.
   * @throws {StoreUnavailableError} and whatever else may pass: the job is to run again, and what was decided stays.
   */
  async execute(job: ExecutableJob, lease: number, hold: () => Promise<void>): Promise<CommandResult[]> {
    const read = this.#readJob(job);
    await this.#ready();
    const points = this.#rules.telemetry?.carried(job.trace) ?? [];
    const attempt = () => this.#attempt(read, points, lease, hold);
    return job.lane === 'commands' ? this.#room.run(read.commands.length, attempt) : attempt();
  }

  async #attempt(
    { commands, reference }: ReadJob,
    points: readonly TracePoint[],
    lease: number,
    hold: () => Promise<void>,
  ): Promise<CommandResult[]> {
    const until = this.#repository.now() + lease * MICROS_PER_MS;
    await hold();
    const last = new Map<string, Promise<unknown>>();
    const running = commands.map((parsed, i) => {
      const run = () => this.#run(parsed, { until, job: reference, commandId: parsed.commandId }, points[i]);
      const tokens = tokensOf(parsed.command);
      const before = tokens.map((token) => last.get(token)).filter((one) => one !== undefined);
      const result = before.length > 0 ? Promise.all(before).then(run) : run(); // where that is to run again, so is this
      for (const token of tokens) last.set(token, result);
      return result;
    });
    // All of them, also where one rejects: none may run on when the job has ended.
    const settled = await Promise.allSettled(running);
    return settled.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  /**
   * Ends a job that will not be run again: what was not decided is given up, and each command is answered as it stands.
   * @param cause what the commands fail with that were given up.
   */
  async giveUp(job: ExecutableJob, lease: number, cause: Error): Promise<CommandResult[]> {
    const given = { ...toWireError(cause), code: 'COMMAND_FAILED' } as const;
    try {
      const { commands, changes, reference } = this.#readJob(job);
      await this.#ready();
      const givenUp = await this.#repository.giveUp(reference, changes);
      const until = this.#repository.now() + lease * MICROS_PER_MS;
      return await Promise.all(
        commands.map((parsed) => {
          const { commandId, op, command } = parsed;
          const isWrong = command instanceof ValidationError;
          // A read that was not answered is given up, too.
          const isGivenUp = !isWrong && (givenUp.has(commandId) || !isChange(command));
          if (isGivenUp) return failed(commandId, op, given);
          const answered = this.#run(parsed, { until, job: reference, commandId });
          return answered.catch((error: unknown) => failed(commandId, op, unknownOutcome(error)));
        }),
      );
    } catch (error) {
      // A job that can not be read was never run. Else nobody knows what was applied.
      const told = error instanceof ValidationError ? given : unknownOutcome(error);
      return addressesOf(job.data, this.#rules.resultsPrefix).commands.map(({ commandId, op }) =>
        failed(commandId, op, told),
      );
    }
  }

  /** Takes back what was given up of a job, so that it can be run again. */
  async takeUp(job: ExecutableJob): Promise<void> {
    const { reference, changes } = this.#readJob(job);
    await this.#ready();
    await this.#repository.takeUp(reference, changes);
  }

  /** What was decided for a job that was acknowledged is kept for only so many milliseconds more. */
  async release(job: ExecutableJob, keptFor: number): Promise<void> {
    const { reference, changes } = this.#readJob(job);
    if (changes.length > 0) await this.#repository.release(reference, changes, keptFor);
  }

  /** Resolves when no use of a token is being written down any more. */
  settled(): Promise<void> {
    return this.#touches.settled();
  }

  /** Asks nothing of a store that has been ready since its connection was made. */
  async #ready(): Promise<void> {
    if (!this.#repository.isReady) await this.#repository.ready();
  }

  #readJob(job: ExecutableJob): ReadJob {
    const known = this.#read.get(job.data as object);
    if (known) return known;
    const { commands } = parseJob(job.data, { ...this.#rules, lane: job.lane });
    const changes = commands.flatMap(({ commandId, command }) =>
      command instanceof ValidationError || !isChange(command) ? [] : [{ commandId, command }],
    );
    const reference = { queue: job.queue ?? job.lane, id: job.id, issuedAt: firstStamp(job.data) };
    const read = { reference, commands, changes };
    this.#read.set(job.data as object, read);
    return read;
  }

  async #run(
    { commandId, op, command }: ParsedCommand,
    attempt: Attempt,
    parent?: TracePoint,
  ): Promise<CommandResult> {
    if (command instanceof ValidationError) return failed(commandId, op, toWireError(command));
    try {
      return completed(commandId, op, await this.#traced(command, attempt, parent));
    } catch (error) {
      if (!isFinal(error, command)) throw error;
      return failed(commandId, op, toWireError(error));
    }
  }

  #traced(command: Command, attempt: Attempt, parent: TracePoint | undefined): Promise<unknown> {
    const { telemetry } = this.#rules;
    if (!telemetry) return this.#operate(command, attempt);
    const id = 'id' in command ? command.id : undefined;
    const traced = { operation: command.op, kind: 'internal', lane: attempt.job?.queue, id, parent } as const;
    return telemetry.span(traced, () => this.#operate(command, attempt));
  }

  #operate(command: Command, attempt: Attempt): Promise<unknown> {
    switch (command.op) {
      case 'create':
        return this.#repository.create(command, attempt);
      case 'get':
        return this.#get(command, attempt);
      case 'update':
        return this.#repository.update(command, attempt);
      case 'refresh':
        return this.#repository.refresh(command, attempt);
      case 'rotate':
        return this.#rotate(command, attempt);
      case 'delete':
        return this.#repository.delete(command, attempt);
      case 'deleteAll':
        return this.#repository.deleteAll(command, attempt);
      case 'consume':
        return this.#repository.consume(command, attempt);
      case 'getById':
        return this.#repository.getById(command);
      case 'deleteById':
        return this.#repository.deleteById(command, attempt);
      case 'deleteScope':
        return this.#repository.deleteScope(command, attempt);
      case 'deleteApp':
        return this.#repository.deleteApp(command, attempt);
      case 'list':
        return this.#repository.list(command);
      case 'count':
        return this.#repository.count(command);
      case 'owners':
        return this.#repository.owners(command);
    }
  }

  async #get(command: Commands['get'], { commandId }: Attempt): Promise<TokenRecord | undefined> {
    const found = await this.#repository.get(command, commandId);
    if (found?.idle !== undefined && command.touch !== false) this.#touches.used(found);
    return found;
  }

  /** The record, and what whoever has the token derives its successor with. */
  async #rotate(command: Commands['rotate'], attempt: Attempt): Promise<RotatedValue | undefined> {
    const rotated = await this.#repository.rotate(command, attempt);
    return rotated && { ...rotated.record, nonce: rotated.nonce };
  }
}

/** What is decided for a command. */
const FINAL: ReadonlySet<string> = new Set([
  'VALIDATION',
  'TOKEN_EXISTS',
  'TOKEN_REVOKED',
  'LIMIT_EXCEEDED',
  'VERSION_CONFLICT',
  'COMMAND_EXPIRED',
  'NOT_REPLICATED', // it is made: to be run again would make nothing of it
]);

/**
 * Whether this is what came of the command, and not of this attempt at its job. Anything else, such as a right that Redis
 * does not grant, may pass; but a read that fails by itself holds up nobody, since it can be asked for again.
 */
const isFinal = (error: unknown, command: Command): boolean =>
  error instanceof TokenError &&
  (FINAL.has(error.code) || (error.code === 'COMMAND_FAILED' && !isChange(command)));

const unknownOutcome = (error: unknown): WireError =>
  toWireError(new StoreUnavailableError(toWireError(error).message, 'unknown'));

/** The tokens whose other commands in the job must not be run at the same time. */
function tokensOf(command: Command | ValidationError): string[] {
  if (!('id' in command)) return [];
  const ids = 'formerIds' in command ? [command.id, ...(command.formerIds ?? [])] : [command.id];
  return 'successor' in command ? [...ids, command.successor] : ids;
}

/** Tells the job from an earlier one of the same id. Only the job decides it: what a command may hold is each worker's option. */
function firstStamp(data: unknown): number {
  for (const { issuedAt } of (data as { commands: { issuedAt?: unknown }[] }).commands) {
    const stamp = typeof issuedAt === 'string' ? Number(issuedAt) : issuedAt;
    if (Number.isSafeInteger(stamp) && (stamp as number) > 0) return stamp as number;
  }
  return 0; // nothing of it runs
}
