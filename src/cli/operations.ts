/** The commands that are operations on tokens: what each takes, and how its result is told. */
import type { Operation } from '../tokens/operations.js';
import type { OwnersPage, TokenRecord } from '../tokens/types.js';
import { DONE, NOT_FOUND } from './exit-status.js';
import type { Field } from './fields.js';
import { type Output, showOwners, showRecord, showTable } from './output.js';
import { UsageError } from './usage-error.js';

export interface OperationCommand {
  operation: Operation;
  name: string;
  help: string;
  /** What stands in its help behind the name of the program. */
  examples: readonly string[];
  fields: readonly Field[];
  /** The operation that it is with `--id` in place of a token, and the fields that has besides. */
  byId?: { operation: Operation; fields: readonly Field[] };
  /** Whether it does nothing without `--yes`. */
  asks?: true;
  /** Whether its result may be told as the token alone. */
  makesToken?: true;
  /** The operation's input, where it has not the fields of the command line. */
  toInput?(given: Partial<Record<Field, unknown>>): Record<string, unknown>;
  /** Tells the result of that input; answers the exit status. */
  tell(result: unknown, output: Output, input: Partial<Record<Field, unknown>>): number;
}

/** Of a list without `limit`. */
const DEFAULT_PAGE = 1_000;

export const OPERATION_COMMANDS: readonly OperationCommand[] = [
  {
    operation: 'create',
    name: 'create',
    help: 'make a token, and print it: it can not be shown again',
    examples: [
      `create --app shop --type session --owner ann --duration 7d --data '{"cart":7}'`,
      'create --app shop --type session --owner ann --duration 30d --idle 1d --limit 5 --overflow end-oldest --hint --label phone',
      'create --app shop --type session --owner ann --duration 7d --token-only > token.txt',
    ],
    fields: [
      ...(['app', 'type', 'owner', 'duration', 'idle', 'data', 'customToken'] as const),
      ...(['hint', 'label', 'max', 'overflow'] as const),
    ],
    makesToken: true,
    toInput: ({ max, overflow, ...input }) => {
      if (max !== undefined) return { ...input, limit: { max, overflow } };
      if (overflow !== undefined) throw new UsageError('--overflow goes with --limit only');
      return input;
    },
    tell: tellRecord,
  },
  {
    operation: 'get',
    name: 'get',
    help: 'read a token',
    examples: [
      'get - --app shop --type session < token.txt',
      'get - --app shop --type session --no-touch --json < token.txt',
      'get --id W7bAgPkaz4w4pI0bKch4ja --app shop --type session',
    ],
    fields: ['token', 'app', 'type', 'touch'],
    byId: { operation: 'getById', fields: ['owner'] },
    tell: tellPresented,
  },
  {
    operation: 'update',
    name: 'update',
    help: "merge changes into a token's data; null deletes a key",
    examples: [
      `update - --app shop --type session --data '{"cart":null,"paid":true}' < token.txt`,
      `update - --app shop --type session --data '{"cart":8}' --if-version 1 < token.txt`,
    ],
    fields: ['token', 'app', 'type', 'data', 'ifVersion'],
    tell: tellPresented,
  },
  {
    operation: 'refresh',
    name: 'refresh',
    help: 'set how long a token lives from now',
    examples: ['refresh - --app shop --type session --duration 7d < token.txt'],
    fields: ['token', 'app', 'type', 'duration'],
    tell: tellPresented,
  },
  {
    operation: 'rotate',
    name: 'rotate',
    help: "put a successor with a new secret in a token's place, and print it: it can not be shown again",
    examples: ['rotate - --app shop --type session --grace 30s --token-only < token.txt'],
    fields: ['token', 'app', 'type', 'duration', 'grace'],
    makesToken: true,
    tell: (made, output) => (made === undefined ? tellPresented(made, output) : tellRecord(made, output)),
  },
  {
    operation: 'delete',
    name: 'revoke',
    help: 'revoke a token',
    examples: [
      'revoke - --app shop --type session < token.txt',
      'revoke --id W7bAgPkaz4w4pI0bKch4ja --app shop --type session --reason stolen --by admin',
    ],
    fields: ['token', 'app', 'type', 'reason', 'by'],
    byId: { operation: 'deleteById', fields: ['owner'] },
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
    examples: [
      'revoke-all --app shop --type session --owner ann',
      'revoke-all --app shop --type session --owner ann --except - < token.txt',
      "revoke-all --app shop --type session --owner ann --reason 'password changed' --queue",
    ],
    fields: ['app', 'type', 'owner', 'except', 'reason', 'by'],
    tell: tellCount,
  },
  {
    operation: 'deleteScope',
    name: 'revoke-scope',
    help: 'revoke all tokens of a type, of all owners',
    examples: ['revoke-scope --app shop --type session --yes'],
    fields: ['app', 'type', 'reason', 'by'],
    asks: true,
    tell: tellCount,
  },
  {
    operation: 'deleteApp',
    name: 'revoke-app',
    help: 'revoke all tokens of an application, of all types and owners',
    examples: ["revoke-app --app shop --yes --reason 'key leaked'"],
    fields: ['app', 'reason', 'by'],
    asks: true,
    tell: tellCount,
  },
  {
    operation: 'consume',
    name: 'consume',
    help: 'revoke a token and print what it was: of many callers one gets it',
    examples: ['consume - --app shop --type session < token.txt'],
    fields: ['token', 'app', 'type', 'reason', 'by'],
    tell: tellPresented,
  },
  {
    operation: 'list',
    name: 'list',
    help: 'list the live tokens of an owner, latest expiry first',
    examples: [
      'list --app shop --type session --owner ann',
      'list --app shop --type session --owner ann --limit 100 --after W7bAgPkaz4w4pI0bKch4ja:1795461186509 --json',
    ],
    fields: ['app', 'type', 'owner', 'limit', 'after'],
    tell: (found, output, { limit = DEFAULT_PAGE }) => {
      const records = found as TokenRecord[];
      output.result(records, () => showTable(records));
      const last = records.at(-1);
      if (last && records.length === limit && !output.json)
        output.note(`there may be more: --after ${last.id}:${last.expiresAt}`);
      return DONE;
    },
  },
  {
    operation: 'count',
    name: 'count',
    help: 'count the live tokens of a scope, or of an owner in it',
    examples: ['count --app shop --type session', 'count --app shop --type session --owner ann'],
    fields: ['app', 'type', 'owner'],
    tell: (count, output) => {
      output.result({ count }, () => String(count));
      return DONE;
    },
  },
  {
    operation: 'owners',
    name: 'owners',
    help: 'list who has live tokens in a scope, and how many, page by page',
    examples: ['owners --app shop --type session --limit 20'],
    fields: ['app', 'type', 'limit', 'cursor'],
    tell: (page, output) => {
      const { owners, cursor } = page as OwnersPage;
      output.result(page, () => showOwners(owners));
      if (cursor !== undefined && !output.json) output.note(`there are more: --cursor ${cursor}`);
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

function tellCount(revoked: unknown, output: Output): number {
  output.result({ revoked }, () => `revoked ${revoked}`);
  return DONE;
}

function tellNothing(output: Output): void {
  output.note('not found: the token is missing, expired or revoked');
}
