/** A door's operations for one scope, with its defaults filled in. */
import { ValidationError } from './errors.js';
import type { Operation, ScopeDefaults, ScopedTokens, Unscoped } from './operations.js';
import { checkOptions, isTokenPrefix } from './options.js';
import type {
  ConsumeInput,
  CountInput,
  CreateInput,
  DeleteAllInput,
  DeleteByIdInput,
  DeleteInput,
  DeleteScopeInput,
  GetInput,
  IdInput,
  ListInput,
  OwnersInput,
  OwnersPage,
  RefreshInput,
  RevocationDetails,
  RotateInput,
  Scope,
  Token,
  TokenInput,
  TokenRecord,
  UpdateInput,
} from './types.js';

/** What a scope needs of a door; `Options` is what its operations take besides their input. */
export interface Door<Options> {
  create<D extends object>(input: CreateInput<D>, options?: Options): Promise<Token<D>>;
  get<D extends object>(input: GetInput, options?: Options): Promise<Token<D> | undefined>;
  update<D extends object>(input: UpdateInput<D>, options?: Options): Promise<Token<D> | undefined>;
  refresh<D extends object>(input: RefreshInput, options?: Options): Promise<Token<D> | undefined>;
  rotate<D extends object>(input: RotateInput, options?: Options): Promise<Token<D> | undefined>;
  delete(input: DeleteInput, options?: Options): Promise<boolean>;
  deleteAll(input: DeleteAllInput, options?: Options): Promise<number>;
  consume<D extends object>(input: ConsumeInput, options?: Options): Promise<Token<D> | undefined>;
  getById<D extends object>(input: IdInput, options?: Options): Promise<TokenRecord<D> | undefined>;
  deleteById(input: DeleteByIdInput, options?: Options): Promise<boolean>;
  deleteScope(input: DeleteScopeInput, options?: Options): Promise<number>;
  list<D extends object>(input: ListInput, options?: Options): Promise<TokenRecord<D>[]>;
  count(input: CountInput, options?: Options): Promise<number>;
  owners(input: OwnersInput, options?: Options): Promise<OwnersPage>;
  idOf(input: TokenInput): string;
}

/** What a scope may fill in besides itself and `tokenPrefix`, by the operations that take it. */
const DEFAULTS: { [O in Operation]?: readonly (keyof ScopeDefaults)[] } = {
  create: ['duration', 'idle', 'limit', 'hint'],
  refresh: ['duration'],
};

const text = (value: unknown) => (typeof value === 'string' ? undefined : 'a string');
const number = (value: unknown) => (typeof value === 'number' ? undefined : 'a number');
const flag = (value: unknown) => (typeof value === 'boolean' ? undefined : 'a boolean');
const limit = (value: unknown) =>
  typeof value === 'object' && value !== null
    ? undefined
    : '{ max, overflow }, the tokens that an owner may have';

/** Holds nothing but its door and its defaults: cheap to make. */
export class DoorScope<D extends object, Options = never> implements ScopedTokens<D> {
  readonly #door: Door<Options>;
  readonly #scope: ScopeDefaults;

  /** @throws {ConfigError} for an unknown default, or one of the wrong type. */
  constructor(door: Door<Options>, scope: ScopeDefaults) {
    checkOptions('scope', scope, {
      app: text,
      type: text,
      duration: number,
      idle: number,
      limit,
      hint: flag,
      tokenPrefix: isTokenPrefix,
    });
    this.#door = door;
    this.#scope = scope.limit ? { ...scope, limit: { ...scope.limit } } : { ...scope };
  }

  async create(input: Unscoped<CreateInput<D>>, options?: Options): Promise<Token<D>> {
    return this.#door.create<D>(this.fill(input, 'create'), options);
  }

  async get(input: Unscoped<GetInput>, options?: Options): Promise<Token<D> | undefined> {
    return this.#door.get<D>(this.fill(input), options);
  }

  async update(input: Unscoped<UpdateInput<D>>, options?: Options): Promise<Token<D> | undefined> {
    return this.#door.update<D>(this.fill(input), options);
  }

  async refresh(input: Unscoped<RefreshInput>, options?: Options): Promise<Token<D> | undefined> {
    return this.#door.refresh<D>(this.fill(input, 'refresh'), options);
  }

  async rotate(input: Unscoped<RotateInput>, options?: Options): Promise<Token<D> | undefined> {
    return this.#door.rotate<D>(this.fill(input, 'rotate'), options);
  }

  async delete(input: Unscoped<DeleteInput>, options?: Options): Promise<boolean> {
    return this.#door.delete(this.fill(input), options);
  }

  async deleteAll(input: Unscoped<DeleteAllInput>, options?: Options): Promise<number> {
    return this.#door.deleteAll(this.fill(input), options);
  }

  async consume(input: Unscoped<ConsumeInput>, options?: Options): Promise<Token<D> | undefined> {
    return this.#door.consume<D>(this.fill(input), options);
  }

  async getById(input: Unscoped<IdInput>, options?: Options): Promise<TokenRecord<D> | undefined> {
    return this.#door.getById<D>(this.fill(input), options);
  }

  async deleteById(input: Unscoped<DeleteByIdInput>, options?: Options): Promise<boolean> {
    return this.#door.deleteById(this.fill(input), options);
  }

  async deleteScope(details: RevocationDetails = {}, options?: Options): Promise<number> {
    return this.#door.deleteScope(this.fill<DeleteScopeInput>(details), options);
  }

  async list(input: Unscoped<ListInput>, options?: Options): Promise<TokenRecord<D>[]> {
    return this.#door.list<D>(this.fill(input), options);
  }

  async count(input: Unscoped<CountInput> = {}, options?: Options): Promise<number> {
    return this.#door.count(this.fill(input), options);
  }

  async owners(input: Unscoped<OwnersInput> = {}, options?: Options): Promise<OwnersPage> {
    return this.#door.owners(this.fill(input), options);
  }

  idOf(input: Unscoped<TokenInput>): string {
    return this.#door.idOf(this.fill(input));
  }

  /**
   * The whole input: what the call gives, before what the scope gives to that operation.
   * @throws {ValidationError} in another scope.
   */
  protected fill<I extends Scope>(input: Unscoped<I>, operation?: Operation): I {
    const { app, type, tokenPrefix } = this.#scope;
    const filled: Record<string, unknown> = { app, type };
    if (tokenPrefix !== undefined) filled.tokenPrefix = tokenPrefix;
    for (const name of (operation && DEFAULTS[operation]) ?? []) filled[name] = this.#scope[name];
    const given = typeof input === 'object' && input !== null ? input : {};
    for (const [field, value] of Object.entries(given)) {
      if (value !== undefined) filled[field] = value;
    }
    for (const field of ['app', 'type'] as const) {
      if (filled[field] === this.#scope[field]) continue;
      throw new ValidationError('scope', [{ field, problem: 'is not that of this scope' }]);
    }
    return filled as unknown as I;
  }
}
