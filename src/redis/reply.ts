/** What the scripts of changes answer: `{ code, TIME, record or '', three numbers, { ended ids }, … }`. */
import type { Microseconds } from '../tokens/clock.js';
import {
  CommandExpiredError,
  CommandFailedError,
  GivenUpError,
  LimitExceededError,
  type StoreOutcome,
  StoreUnavailableError,
  type TokenError,
  TokenExistsError,
  TokenRevokedError,
  ValidationError,
  VersionConflictError,
} from '../tokens/errors.js';
import { tooLarge } from '../tokens/validation.js';

export interface Reply {
  code: string;
  /** Redis' time when the script ran. */
  time: Microseconds;
  record: string;
  numbers: [number, number, number];
  /** Ids of tokens that the change has ended by themselves. */
  ended: string[];
  rest: string[];
}

export function parseReply(reply: unknown): Reply {
  const [code, time, record, a, b, c, ended, ...rest] = reply as [
    ...[code: string, time: number, record: string, a: string, b: string, c: string],
    ...[ended: string[], ...rest: string[]],
  ];
  return { code, time: Number(time), record, numbers: [Number(a), Number(b), Number(c)], ended, rest };
}

export interface RefusalContext {
  maxDataBytes: number;
  /** What can have become of a change that came too late: on a client that resends, an earlier copy may have run. */
  lateOutcome: StoreOutcome;
}

/** The error that a code stands for. */
export function refusal(
  { code, numbers }: Reply,
  command: { op: string },
  context: RefusalContext,
): TokenError {
  switch (code) {
    case 'exists':
      return new TokenExistsError();
    case 'revoked':
      return new TokenRevokedError();
    case 'limit':
      return new LimitExceededError();
    case 'conflict':
      return new VersionConflictError(numbers[0]);
    case 'expired':
      return new CommandExpiredError();
    case 'ahead':
      return new ValidationError(command.op, [
        { field: 'issuedAt', problem: 'is more than 5 seconds ahead of Redis' },
      ]);
    case 'too-large':
      return new ValidationError(command.op, [
        { field: 'data', problem: tooLarge(numbers[0], context.maxDataBytes) },
      ]);
    case 'failed':
      return new GivenUpError();
    case 'late':
      return new StoreUnavailableError('the change reached Redis after its time was up', context.lateOutcome);
    default:
      return new CommandFailedError(`Redis answers what nobody here knows: ${code}`);
  }
}
