/** Operations as validated data, with every secret replaced by its id: what travels, and what repositories run. */
import type { Microseconds } from './clock.js';
import {
  IsDuration,
  IsFlag,
  IsGrace,
  IsHint,
  IsLabel,
  IsLimit,
  IsName,
  IsNonce,
  IsOptionalDuration,
  IsPosition,
  IsStamp,
  IsTokenData,
  IsTokenId,
} from './fields.js';
import type { ListPosition, Operation } from './types.js';

abstract class ScopedCommand {
  abstract readonly op: Operation;

  /** When it was issued, in the store's time as the sender reckons it. */
  @IsStamp() issuedAt!: Microseconds;
  @IsName() app!: string;
  @IsName() type!: string;
}

export class CreateCommand extends ScopedCommand {
  readonly op = 'create';
  @IsTokenId() id!: string;
  @IsName() owner!: string;
  @IsTokenData() data!: object;
  @IsDuration() duration!: number;
  /** Whether the secret is the caller's own. A generated one that exists is this very create, sent again. */
  @IsFlag() custom = true;
  /** Of the secret, as its sender made it. */
  @IsHint() hint?: string | undefined;
  @IsLabel() label?: string | undefined;
}

export class GetCommand extends ScopedCommand {
  readonly op = 'get';
  @IsTokenId() id!: string;
}

export class UpdateCommand extends ScopedCommand {
  readonly op = 'update';
  @IsTokenId() id!: string;
  @IsTokenData() data!: object;
}

export class RefreshCommand extends ScopedCommand {
  readonly op = 'refresh';
  @IsTokenId() id!: string;
  @IsDuration() duration!: number;
}

export class RotateCommand extends ScopedCommand {
  readonly op = 'rotate';
  @IsTokenId() id!: string;
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

export class DeleteCommand extends ScopedCommand {
  readonly op = 'delete';
  @IsTokenId() id!: string;
}

export class DeleteAllCommand extends ScopedCommand {
  readonly op = 'deleteAll';
  @IsName() owner!: string;
}

export class ListCommand extends ScopedCommand {
  readonly op = 'list';
  @IsName() owner!: string;
  @IsLimit() limit = 1_000;
  @IsPosition() after: ListPosition | undefined = undefined;
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
  list: ListCommand;
}

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
    fields: ['issuedAt', 'app', 'type', 'id', 'owner', 'data', 'duration', 'custom', 'hint', 'label'],
  },
  get: { create: () => new GetCommand(), fields: ['issuedAt', 'app', 'type', 'id'] },
  update: { create: () => new UpdateCommand(), fields: ['issuedAt', 'app', 'type', 'id', 'data'] },
  refresh: { create: () => new RefreshCommand(), fields: ['issuedAt', 'app', 'type', 'id', 'duration'] },
  rotate: {
    create: () => new RotateCommand(),
    fields: ['issuedAt', 'app', 'type', 'id', 'successor', 'nonce', 'duration', 'grace', 'hint'],
  },
  delete: { create: () => new DeleteCommand(), fields: ['issuedAt', 'app', 'type', 'id'] },
  deleteAll: { create: () => new DeleteAllCommand(), fields: ['issuedAt', 'app', 'type', 'owner'] },
  list: { create: () => new ListCommand(), fields: ['issuedAt', 'app', 'type', 'owner', 'limit', 'after'] },
};

export const OPERATIONS = Object.keys(KINDS) as Operation[];

/** Whether it may change something, so that applying it twice would differ from once. */
export const isChange = ({ op }: Command): boolean => op !== 'get' && op !== 'list';

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
