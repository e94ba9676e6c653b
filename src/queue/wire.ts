/** Jobs and results as they travel. Any BullMQ producer may write a job: nothing of it is trusted. */
import { buildCommand, type Command, fieldsOf, isOperation, READS } from '../tokens/commands.js';
import { type FieldProblem, ValidationError, type WireError } from '../tokens/errors.js';
import { commandIdProblem, EARLIEST_STAMP } from '../tokens/fields.js';
import type { Operation } from '../tokens/operations.js';
import type { TokenRecord } from '../tokens/types.js';
import { checkCommand } from '../tokens/validation.js';
import { type Lane, laneOf } from './lanes.js';

/** Commands and bytes of JSON at which a batch closes: a job is run and answered as a whole. */
export const BATCH_COMMANDS = 100;
export const BATCH_BYTES = 1_048_576;

/** Bytes of JSON that the value of one result may have. */
export const RESULT_BYTES = 1_048_576;

/** A command as it travels: with it the sealed fields of its operation. */
export type WireCommand = {
  /** 1–128 of `[A-Za-z0-9._-]`, once in a batch. */
  commandId: string;
  /** Which operation. */
  op: Operation;
  /** When it was issued, in microseconds since the epoch. */
  issuedAt: number;
} & Record<string, unknown>;

/** The data of a job. */
export interface JobData {
  /** The version of this format. */
  v: 1;
  /** The channel that results are published on, `<prefix>:results:<source>`, or null. */
  replyTo: string | null;
  /** 1–100; those of one token are applied in their order. */
  commands: WireCommand[];
}

/** What came of one command. */
export interface CommandResult {
  /** Of the command. */
  commandId: string;
  /** Its operation, or whatever stood there. */
  op: string;
  /** Whether it has a `value` or an `error`. */
  status: 'completed' | 'failed';
  /** What the operation resolves to: absent for `undefined`. */
  value?: unknown;
  /** What it failed with. */
  error?: WireError;
}

/** The value of a rotation: the successor's record, and what its secret is derived with from that of the token. */
export type RotatedValue = TokenRecord & {
  /** Without the token's secret it tells nothing. */
  nonce: string;
};

/** What is published on `replyTo`, and kept as the job's return value. */
export interface JobResult {
  /** The version of this format. */
  v: 1;
  /** Of the job. */
  jobId: string;
  /** One for each command, in their order. */
  results: CommandResult[];
}

/** One command of a job: ready to run, or the error that it fails with. */
export interface ParsedCommand {
  commandId: string;
  op: string;
  command: Command | ValidationError;
}

export interface ParsedJob {
  replyTo: string | null;
  commands: ParsedCommand[];
}

export interface WireRules {
  lane: Lane;
  /** What `replyTo` must start with. */
  resultsPrefix: string;
  maxDataBytes: number;
}

export const toWire = (command: Command, commandId: string): WireCommand => ({ commandId, ...command });

/**
 * Reads a job. A command that is wrong fails alone; a job whose commands can not be told apart fails as a whole.
 * @throws {ValidationError} for the whole job.
 */
export function parseJob(data: unknown, rules: WireRules): ParsedJob {
  const { v, replyTo, commands } = asObject(data) ?? {};
  const problems: FieldProblem[] = [];
  if (v !== 1) problems.push({ field: 'v', problem: 'must be 1' });
  if (!isReplyTo(replyTo, rules.resultsPrefix)) {
    problems.push({
      field: 'replyTo',
      problem: `must be null, or ${rules.resultsPrefix} and 1–64 of A–Z a–z 0–9 _ -`,
    });
  }
  if (!Array.isArray(commands) || commands.length === 0 || commands.length > BATCH_COMMANDS) {
    problems.push({ field: 'commands', problem: `must be an array of 1 to ${BATCH_COMMANDS} commands` });
  } else {
    problems.push(...commandIdProblems(commands));
  }
  if (problems.length > 0) throw new ValidationError('job', problems);
  return {
    replyTo: (replyTo as string | undefined) ?? null,
    commands: (commands as Record<string, unknown>[]).map((command) => parseCommand(command, rules)),
  };
}

/** Where results of a job go and whom they concern, as far as it can be read: for a job that failed as a whole. */
export function addressesOf(
  data: unknown,
  resultsPrefix: string,
): { replyTo: string | null; commands: { commandId: string; op: string }[] } {
  const { replyTo, commands } = asObject(data) ?? {};
  const addressed = (Array.isArray(commands) ? commands.slice(0, BATCH_COMMANDS) : []).filter(
    (command) => commandIdProblem(asObject(command)?.commandId) === undefined,
  );
  return {
    replyTo: isReplyTo(replyTo, resultsPrefix) ? ((replyTo as string | undefined) ?? null) : null,
    commands: addressed.map(({ commandId, op }) => ({ commandId, op: shownOp(op) })),
  };
}

function commandIdProblems(commands: unknown[]): FieldProblem[] {
  const seen = new Set<unknown>();
  const problems: FieldProblem[] = [];
  for (const [i, command] of commands.entries()) {
    const commandId = asObject(command)?.commandId;
    const problem =
      commandIdProblem(commandId) ?? (seen.has(commandId) ? 'stands twice in the batch' : undefined);
    if (problem) problems.push({ field: `commands[${i}].commandId`, problem });
    seen.add(commandId);
  }
  return problems;
}

function parseCommand(raw: Record<string, unknown>, rules: WireRules): ParsedCommand {
  const commandId = raw.commandId as string;
  const op = shownOp(raw.op);
  try {
    return { commandId, op, command: checkedCommand(raw, rules) };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return { commandId, op, command: error };
  }
}

function checkedCommand({ commandId: _, op, ...fields }: Record<string, unknown>, rules: WireRules): Command {
  if (!isOperation(op)) throw new ValidationError('command', [{ field: 'op', problem: 'is no operation' }]);
  if (laneOf(op) !== rules.lane) {
    throw new ValidationError(op, [{ field: 'op', problem: `belongs on the queue "${laneOf(op)}"` }]);
  }
  const known = fieldsOf(op);
  const unknown = Object.keys(fields).filter((field) => !known.includes(field));
  const problems = unknown.map((field) => ({ field: field.slice(0, 64), problem: `is no field of ${op}` }));
  // Languages whose numbers are narrower send the stamp as decimal digits.
  if (typeof fields.issuedAt === 'string' && /^\d{1,16}$/.test(fields.issuedAt)) {
    fields.issuedAt = Number(fields.issuedAt);
  }
  if (typeof fields.issuedAt === 'number' && fields.issuedAt >= 0 && fields.issuedAt < EARLIEST_STAMP) {
    problems.push({
      field: 'issuedAt',
      problem: 'must be in microseconds since the epoch (not milliseconds?)',
    });
  }
  const command = buildCommand(op, fields);
  checkCommand(command, rules.maxDataBytes, problems);
  return command;
}

/** An operation's name as a result tells it: whatever it was that stood there. */
const shownOp = (op: unknown): string => (typeof op === 'string' ? op.slice(0, 64) : '');

function isReplyTo(value: unknown, resultsPrefix: string): boolean {
  if (value === null || value === undefined) return true;
  return (
    typeof value === 'string' &&
    value.startsWith(resultsPrefix) &&
    /^[A-Za-z0-9_-]{1,64}$/.test(value.slice(resultsPrefix.length))
  );
}

const asObject = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;

export const failed = (commandId: string, op: string, error: WireError): CommandResult => ({
  commandId,
  op,
  status: 'failed',
  error,
});

/** A result's value. What only reads fails where that is too large to travel; what was changed is told in any case. */
export function completed(commandId: string, op: string, value: unknown): CommandResult {
  const onlyRead = READS.has(op) && value !== undefined;
  const bytes = onlyRead ? Buffer.byteLength(JSON.stringify(value)) : 0;
  if (bytes <= RESULT_BYTES) return { commandId, op, status: 'completed', value };
  const message = `the result has ${bytes} bytes as JSON, more than ${RESULT_BYTES}: use \`limit\``;
  return failed(commandId, op, { code: 'COMMAND_FAILED', message });
}
