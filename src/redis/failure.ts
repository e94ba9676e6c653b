/** What an error of ioredis or of Redis means for the caller. */
import {
  CommandFailedError,
  ConfigError,
  type StoreOutcome,
  StoreUnavailableError,
  TokenError,
} from '../tokens/errors.js';
import { tlsProblem } from './certificates.js';

/** Replies by which a server says that it can not serve now. It has changed nothing then. */
const REFUSALS =
  /^(OOM|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|MISCONF|BUSY|TRYAGAIN|UNKILLABLE|ERR max number of clients)\b/;
const REPLY_ERROR = /^-?[A-Z]+ /;

export const isNoScript = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('NOSCRIPT');

/** Whether Redis does not let this connection in, however often it tries. */
export const isPasswordProblem = (error: unknown): boolean =>
  error instanceof Error && /^(NOAUTH|WRONGPASS)\b/.test(error.message);

/** By which Redis tells a user that it may not; from within a script it says so in a sentence. */
const FORBIDDEN = /^(Redis refuses: )?(NOPERM\b|ERR The user executing the script can't )/;

/** Whether Redis does not let this user do it: the error of ioredis, or what `toStoreError` has made of it. */
export const isForbidden = (error: unknown): boolean =>
  error instanceof Error && FORBIDDEN.test(error.message);

/**
 * @param outcome what can have become of the command where no reply tells.
 * @param owned whether the connection sends a command at most once.
 */
export function toStoreError(error: unknown, outcome: StoreOutcome, owned: boolean): TokenError {
  if (error instanceof TokenError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const cause = withoutCommand(error);
  if (REFUSALS.test(message)) {
    return new StoreUnavailableError(`Redis refuses: ${message}`, owned ? 'none' : outcome, { cause });
  }
  if (isPasswordProblem(error)) {
    return new ConfigError(`Redis asks for another user or password: ${message}`, { cause });
  }
  if (isForbidden(error)) return new ConfigError(`Redis refuses: ${message}`, { cause });
  if (error instanceof Error && error.name === 'ReplyError' && REPLY_ERROR.test(message)) {
    return new CommandFailedError(`Redis answers: ${message}${hintAt(message)}`, { cause });
  }
  const reason = tlsProblem(error) ?? `${message}${ofLastNode(error)}`;
  return new StoreUnavailableError(`Redis can not be reached: ${reason}`, outcome, { cause });
}

/** What a server of another kind than its URL says answers to the first command. */
const HINTS: [answer: RegExp, hint: string][] = [
  [/^MOVED /, '; this is a node of a Cluster: its connection is redis-cluster://host:port,host:port'],
  [
    /^ERR unknown command/,
    '; if this is a Sentinel, its connection is redis-sentinel://host:port,host:port/0#name',
  ],
];

const hintAt = (message: string): string => HINTS.find(([answer]) => answer.test(message))?.[1] ?? '';

/** Of a Cluster ioredis tells no more than that no node has told its slots; why is beside that. */
function ofLastNode(error: unknown): string {
  const { lastNodeError } = error as { lastNodeError?: unknown };
  return lastNodeError instanceof Error ? ` The last node: ${lastNodeError.message}` : '';
}

/** Why there is no connection: what a server says instead of a welcome is no answer to a command. */
export function toConnectionError(error: unknown): TokenError {
  const told = toStoreError(error, 'none', true);
  if (!(told instanceof CommandFailedError)) return told;
  return new StoreUnavailableError(`Redis lets nobody in: ${(error as Error).message}`, 'none', {
    cause: told.cause,
  });
}

/** ioredis hangs the whole command on its errors, and with it the user's data. */
function withoutCommand(error: unknown): unknown {
  if (error instanceof Error) {
    delete (error as { command?: unknown }).command;
    delete (error as { previousErrors?: unknown }).previousErrors;
  }
  return error;
}
