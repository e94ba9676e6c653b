/** Runs the commands of a job against the repository, and tells what came of each. */
import { MICROS_PER_MS } from '../tokens/clock.js';
import type { Command } from '../tokens/commands.js';
import { StoreUnavailableError, TokenError, toWireError, ValidationError } from '../tokens/errors.js';
import type { Attempt, TokenRepository } from '../tokens/repository.js';
import type { Lane } from './lanes.js';
import { type CommandResult, completed, failed, type ParsedCommand, parseJob } from './wire.js';

/** A job as it is handed to the executor. */
export interface ExecutableJob {
  lane: Lane;
  id: string;
  data: unknown;
}

export interface ExecutorRules {
  resultsPrefix: string;
  maxDataBytes: number;
}

export class CommandExecutor {
  readonly #repository: TokenRepository;
  readonly #rules: ExecutorRules;

  constructor(repository: TokenRepository, rules: ExecutorRules) {
    this.#repository = repository;
    this.#rules = rules;
  }

  /**
   * Runs a job's commands: those of one token in their order, others side by side.
   * @param lease milliseconds from now on after which nothing may be changed for this attempt.
   * @param hold makes sure that no other attempt runs meanwhile; where it rejects, nothing is run.
   * @throws {ValidationError} where the job can not be read. It will never run.
   * @throws {StoreUnavailableError} and whatever else may pass: the job is to run again, and what was decided stays.
   */
  async execute(job: ExecutableJob, lease: number, hold: () => Promise<void>): Promise<CommandResult[]> {
    const { commands } = parseJob(job.data, { ...this.#rules, lane: job.lane });
    await this.#repository.ready();
    const until = this.#repository.now() + lease * MICROS_PER_MS;
    await hold();
    const reference = { queue: job.lane, id: job.id, issuedAt: firstStamp(commands) };
    const last = new Map<string, Promise<unknown>>();
    const running = commands.map((parsed) => {
      const run = () => this.#run(parsed, { until, job: reference, commandId: parsed.commandId });
      const token = tokenOf(parsed.command);
      if (token === undefined) return run();
      const before = last.get(token);
      const result = before ? before.then(run, run) : run();
      last.set(token, result);
      return result;
    });
    // All of them, also where one rejects: none may run on when the job has ended.
    const settled = await Promise.allSettled(running);
    return settled.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  async #run({ commandId, op, command }: ParsedCommand, attempt: Attempt): Promise<CommandResult> {
    if (command instanceof ValidationError) return failed(commandId, op, toWireError(command));
    try {
      return completed(commandId, op, await this.#operate(command, attempt));
    } catch (error) {
      if (!isFinal(error)) throw error;
      return failed(commandId, op, toWireError(error));
    }
  }

  #operate(command: Command, attempt: Attempt): Promise<unknown> {
    switch (command.op) {
      case 'create':
        return this.#repository.create(command, attempt);
      case 'get':
        return this.#repository.get(command);
      case 'update':
        return this.#repository.update(command, attempt);
      case 'refresh':
        return this.#repository.refresh(command, attempt);
      case 'delete':
        return this.#repository.delete(command, attempt);
      case 'deleteAll':
        return this.#repository.deleteAll(command, attempt);
      case 'list':
        return this.#repository.list(command);
    }
  }
}

/** Whether running the command again would end the same way. */
const isFinal = (error: unknown): boolean =>
  error instanceof TokenError && !(error instanceof StoreUnavailableError) && error.code !== 'CLOSED';

const tokenOf = (command: Command | ValidationError): string | undefined =>
  'id' in command ? command.id : undefined;

/** Tells the job from an earlier one of the same id, whichever of its commands are wrong. */
function firstStamp(commands: ParsedCommand[]): number {
  for (const { command } of commands) if (!(command instanceof ValidationError)) return command.issuedAt;
  return 0; // nothing of it runs
}
