/** Operations as validated data, with every secret replaced by its id: what travels, and what repositories run. */
import type { Microseconds } from './clock.js';
import type { Revoker } from './events.js';
import {
  IsDuration,
  IsFlag,
  IsFormerIds,
  IsGrace,
  IsHint,
  IsIdle,
  IsIfVersion,
  IsLabel,
  IsLimit,
  IsName,
  IsNonce,
  IsOptionalDuration,
  IsOptionalName,
  IsOptionalReason,
  IsOptionalRevoker,
  IsOptionalTokenId,
  IsOwnerCursor,
  IsOwnerLimit,
  IsPageLimit,
  IsPosition,
  IsStamp,
  IsTokenData,
  IsTokenId,
  IsTouch,
} from './fields.js';
import type { Operation } from './operations.js';
import type { ListPosition, OwnerLimit } from './types.js';

abstract class AppCommand {
  abstract readonly op: Operation;

  /** When it was issued, in the store's time as the sender reckons it. */
  @IsStamp() issuedAt!: Microseconds;
  @IsName() app!: string;
}

abstract class ScopedCommand extends AppCommand {
  @IsName() type!: string;
}

/** A command that revokes tokens of one scope, and what its events are to tell. */
abstract class RevokingCommand extends ScopedCommand {
  @IsOptionalReason() reason?: string | undefined;
  @IsOptionalRevoker() by?: Revoker | undefined;
}

export class CreateCommand extends ScopedCommand {
  readonly op = 'create';
  @IsTokenId() id!: string;
  @IsFormerIds() formerIds?: string[] | undefined;
  @IsName() owner!: string;
  @IsTokenData() data!: object;
  @IsDuration() duration!: number;
  /** Whether the secret is the caller's own. A generated one that exists is this very create, sent again. */
  @IsFlag() custom = true;
  /** Of the secret, as its sender made it. */
  @IsHint() hint?: string | undefined;
  @IsLabel() label?: string | undefined;
  @IsIdle() idle?: number | undefined;
  @IsOwnerLimit() limit?: OwnerLimit | undefined;
}

export class GetCommand extends ScopedCommand {
  readonly op = 'get';
  @IsTokenId() id!: string;
  @IsFormerIds() formerIds?: string[] | undefined;
  /** False where it is no use of the token. */
  @IsTouch() touch?: boolean | undefined;
}

export class UpdateCommand extends ScopedCommand {
  readonly op = 'update';
  @IsTokenId() id!: string;
  @IsFormerIds() formerIds?: string[] | undefined;
  @IsTokenData() data!: object;
  @IsIfVersion() ifVersion?: number | undefined;
}

export class RefreshCommand extends ScopedCommand {
  readonly op = 'refresh';
  @IsTokenId() id!: string;
  @IsFormerIds() formerIds?: string[] | undefined;
  @IsDuration() duration!: number;
}

export class RotateCommand extends ScopedCommand {
  readonly op = 'rotate';
  @IsTokenId() id!: string;
  @IsFormerIds() formerIds?: string[] | undefined;
  /** The id of the token that is to take its place. */
  @IsTokenId() successor!: string;
  /** What the successor's secret was derived with, by whoever has the token's. */
  @IsNonce() nonce!: string;
  @IsOptionalDuration() duration?: number | undefined;
  /** Seconds within which the rotation may be repeated. */
  @IsGrace() grace = 0;
  /** Of the successor's secret: kept where the token has one. */
  @IsHint() hint?: string | undefined;
}

export class DeleteCommand extends RevokingCommand {
  readonly op = 'delete';
  @IsTokenId() id!: string;
  @IsFormerIds() formerIds?: string[] | undefined;
}

export class ConsumeCommand extends RevokingCommand {
  readonly op = 'consume';
  @IsTokenId() id!: string;
  @IsFormerIds() formerIds?: string[] | undefined;
}

export class GetByIdCommand extends ScopedCommand {
  readonly op = 'getById';
  @IsTokenId() id!: string;
  /** Where it is given, another owner's token is none. */
  @IsOptionalName() owner?: string | undefined;
}

export class DeleteByIdCommand extends RevokingCommand {
  readonly op = 'deleteById';
  @IsTokenId() id!: string;
  /** Where it is given, another owner's token is none. */
  @IsOptionalName() owner?: string | undefined;
}

export class DeleteAllCommand extends RevokingCommand {
  readonly op = 'deleteAll';
  @IsName() owner!: string;
  /** The id of a token that stays. */
  @IsOptionalTokenId() except?: string | undefined;
  /** Of the token that stays. */
  @IsFormerIds() formerIds?: string[] | undefined;
}

export class DeleteScopeCommand extends RevokingCommand {
  readonly op = 'deleteScope';
}

export class DeleteAppCommand extends AppCommand {
  readonly op = 'deleteApp';
  @IsOptionalReason() reason?: string | undefined;
  @IsOptionalRevoker() by?: Revoker | undefined;
}

export class ListCommand extends ScopedCommand {
  readonly op = 'list';
  @IsName() owner!: string;
  @IsLimit() limit = 1_000;
  @IsPosition() after: ListPosition | undefined = undefined;
}

export class CountCommand extends ScopedCommand {
  readonly op = 'count';
  @IsOptionalName() owner?: string | undefined;
}

export class OwnersCommand extends ScopedCommand {
  readonly op = 'owners';
  @IsPageLimit() limit = 100;
  @IsOwnerCursor() cursor?: string | undefined;
}

/** The command of each operation. */
export interface Commands {
  create: CreateCommand;
  get: GetCommand;
  update: UpdateCommand;
  refresh: RefreshCommand;
  rotate: RotateCommand;
  delete: DeleteCommand;
  deleteAll: DeleteAllCommand;
  consume: ConsumeCommand;
  getById: GetByIdCommand;
  deleteById: DeleteByIdCommand;
  deleteScope: DeleteScopeCommand;
  deleteApp: DeleteAppCommand;
  list: ListCommand;
  count: CountCommand;
  owners: OwnersCommand;
}

/** An operation as checked data, with the token's id in place of its secret. */
export type Command = Commands[Operation];

/** The fields of a command that its sender fills in. */
export type CommandFields<O extends Operation> = Partial<Record<keyof Commands[O], unknown>>;

interface CommandKind<O extends Operation> {
  create(): Commands[O];
  fields: readonly (keyof Commands[O] & string)[];
}

const KINDS: { [O in Operation]: CommandKind<O> } = {
  create: {
    create: () => new CreateCommand(),
    fields: [
      'issuedAt',
      'app',
      'type',
      'id',
      'formerIds',
      'owner',
      'data',
      'duration',
      'custom',
      'hint',
      'label',
      'idle',
      'limit',
    ],
  },
  get: { create: () => new GetCommand(), fields: ['issuedAt', 'app', 'type', 'id', 'formerIds', 'touch'] },
  update: {
    create: () => new UpdateCommand(),
    fields: ['issuedAt', 'app', 'type', 'id', 'formerIds', 'data', 'ifVersion'],
  },
  refresh: {
    create: () => new RefreshCommand(),
    fields: ['issuedAt', 'app', 'type', 'id', 'formerIds', 'duration'],
  },
  rotate: {
    create: () => new RotateCommand(),
    fields: ['issuedAt', 'app', 'type', 'id', 'formerIds', 'successor', 'nonce', 'duration', 'grace', 'hint'],
  },
  delete: {
    create: () => new DeleteCommand(),
    fields: ['issuedAt', 'app', 'type', 'id', 'formerIds', 'reason', 'by'],
  },
  deleteAll: {
    create: () => new DeleteAllCommand(),
    fields: ['issuedAt', 'app', 'type', 'owner', 'except', 'formerIds', 'reason', 'by'],
  },
  consume: {
    create: () => new ConsumeCommand(),
    fields: ['issuedAt', 'app', 'type', 'id', 'formerIds', 'reason', 'by'],
  },
  getById: { create: () => new GetByIdCommand(), fields: ['issuedAt', 'app', 'type', 'id', 'owner'] },
  deleteById: {
    create: () => new DeleteByIdCommand(),
    fields: ['issuedAt', 'app', 'type', 'id', 'owner', 'reason', 'by'],
  },
  deleteScope: {
    create: () => new DeleteScopeCommand(),
    fields: ['issuedAt', 'app', 'type', 'reason', 'by'],
  },
  deleteApp: { create: () => new DeleteAppCommand(), fields: ['issuedAt', 'app', 'reason', 'by'] },
  list: { create: () => new ListCommand(), fields: ['issuedAt', 'app', 'type', 'owner', 'limit', 'after'] },
  count: { create: () => new CountCommand(), fields: ['issuedAt', 'app', 'type', 'owner'] },
  owners: { create: () => new OwnersCommand(), fields: ['issuedAt', 'app', 'type', 'limit', 'cursor'] },
};

export const OPERATIONS = Object.keys(KINDS) as Operation[];

/** Whether it may change something, so that applying it twice would differ from once. */
export const isChange = ({ op }: Command): boolean => !READS.has(op);

/** What changes nothing. */
export const READS: ReadonlySet<string> = new Set<Operation>(['get', 'getById', 'list', 'count', 'owners']);

/** What is never too old, and has a lane of its own. A consume is a use of its token: it can come too late. */
export const isRevocation = (op: Operation): boolean => REVOCATIONS.has(op);

const REVOCATIONS: ReadonlySet<Operation> = new Set<Operation>([
  ...(['delete', 'deleteAll', 'deleteById', 'deleteScope', 'deleteApp'] as const),
]);

export const isOperation = (value: unknown): value is Operation =>
  typeof value === 'string' && Object.hasOwn(KINDS, value);

/** The names of the fields that an operation's command has. */
export const fieldsOf = (op: Operation): readonly string[] => KINDS[op].fields;

/** An unchecked command: fields that are `undefined` keep their default, and others than its own are left out. */
export function buildCommand<O extends Operation>(op: O, from: CommandFields<O>): Commands[O] {
  const { create, fields } = KINDS[op];
  const command = create();
  for (const field of fields) {
    const value = from[field];
    if (value !== undefined) command[field] = value as never;
  }
  return command;
}
