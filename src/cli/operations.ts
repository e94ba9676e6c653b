/** The commands that are operations on tokens: what each takes, and how its result is told. */
import type { Operation, TokenRecord } from '../tokens/types.js';
import { DONE, NOT_FOUND } from './exit-status.js';
import type { Field } from './fields.js';
import { type Output, showRecord, showTable } from './output.js';

export interface OperationCommand {
  operation: Operation;
  name: string;
  help: string;
  fields: readonly Field[];
  /** Whether its result may be told as the token alone. */
  makesToken?: true;
  /** Tells the result; answers the exit status. */
  tell(result: unknown, output: Output): number;
}

export const OPERATION_COMMANDS: readonly OperationCommand[] = [
  {
    operation: 'create',
    name: 'create',
    help: 'make a token, and print it: it can not be shown again',
    fields: ['app', 'type', 'owner', 'duration', 'data', 'customToken'],
    makesToken: true,
    tell: tellRecord,
  },
  {
    operation: 'get',
    name: 'get',
    help: 'read a token',
    fields: ['token', 'app', 'type'],
    tell: tellPresented,
  },
  {
    operation: 'update',
    name: 'update',
    help: "merge changes into a token's data; null deletes a key",
    fields: ['token', 'app', 'type', 'data'],
    tell: tellPresented,
  },
  {
    operation: 'refresh',
    name: 'refresh',
    help: 'set how long a token lives from now',
    fields: ['token', 'app', 'type', 'duration'],
    tell: tellPresented,
  },
  {
    operation: 'rotate',
    name: 'rotate',
    help: "put a successor with a new secret in a token's place, and print it: it can not be shown again",
    fields: ['token', 'app', 'type', 'duration', 'grace'],
    makesToken: true,
    tell: (made, output) => (made === undefined ? tellPresented(made, output) : tellRecord(made, output)),
  },
  {
    operation: 'delete',
    name: 'revoke',
    help: 'revoke a token',
    fields: ['token', 'app', 'type'],
    tell: (revoked, output) => {
      if (revoked || output.json) output.result({ revoked }, () => 'revoked');
      else tellNothing(output);
      return revoked ? DONE : NOT_FOUND;
    },
  },
  {
    operation: 'deleteAll',
    name: 'revoke-all',
    help: 'revoke all tokens of an owner',
    fields: ['app', 'type', 'owner'],
    tell: (revoked, output) => {
      output.result({ revoked }, () => `revoked ${revoked}`);
      return DONE;
    },
  },
  {
    operation: 'list',
    name: 'list',
    help: 'list the live tokens of an owner, latest expiry first',
    fields: ['app', 'type', 'owner', 'limit'],
    tell: (records, output) => {
      output.result(records, () => showTable(records as TokenRecord[]));
      return DONE;
    },
  },
];

/** For a file or a variable: as it is, without what a person would see beside it. */
export function tellToken(made: unknown, output: Output): number {
  if (made === undefined) return tellPresented(made, output);
  const { token } = made as { token: string };
  output.result(token, () => token);
  return DONE;
}

function tellRecord(record: unknown, output: Output): number {
  output.result(record, () => showRecord(record as TokenRecord));
  return DONE;
}

/** Without the secret: who asks has it, and it need not stand in one more terminal or log. */
function tellPresented(found: unknown, output: Output): number {
  if (found === undefined) {
    if (output.json) output.result(null, () => '');
    else tellNothing(output);
    return NOT_FOUND;
  }
  const { token: _, ...record } = found as TokenRecord & { token: string };
  return tellRecord(record, output);
}

function tellNothing(output: Output): void {
  output.note('not found: the token is missing, expired or revoked');
}
