/** A door's operations for one scope, with its defaults filled in. */
import { ValidationError } from './errors.js';
import { checkOptions, isTokenPrefix } from './options.js';
import type {
  CreateInput,
  ListInput,
  OwnerInput,
  RefreshInput,
  RotateInput,
  Scope,
  ScopeDefaults,
  ScopedTokens,
  Token,
  TokenInput,
  TokenRecord,
  Unscoped,
  UpdateInput,
} from './types.js';

/** What a scope needs of a door; `Options` is what its operations take besides their input. */
export interface Door<Options> {
  create<D extends object>(input: CreateInput<D>, options?: Options): Promise<Token<D>>;
  get<D extends object>(input: TokenInput, options?: Options): Promise<Token<D> | undefined>;
  update<D extends object>(input: UpdateInput<D>, options?: Options): Promise<Token<D> | undefined>;
  refresh<D extends object>(input: RefreshInput, options?: Options): Promise<Token<D> | undefined>;
  rotate<D extends object>(input: RotateInput, options?: Options): Promise<Token<D> | undefined>;
  delete(input: TokenInput, options?: Options): Promise<boolean>;
  deleteAll(input: OwnerInput, options?: Options): Promise<number>;
  list<D extends object>(input: ListInput, options?: Options): Promise<TokenRecord<D>[]>;
  idOf(input: TokenInput): string;
}

const text = (value: unknown) => (typeof value === 'string' ? undefined : 'a string');
const number = (value: unknown) => (typeof value === 'number' ? undefined : 'a number');

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
      limit: number,
      tokenPrefix: isTokenPrefix,
    });
    this.#door = door;
    this.#scope = { ...scope };
  }

  async create(input: Unscoped<CreateInput<D>>, options?: Options): Promise<Token<D>> {
    return this.#door.create<D>(this.fill(input), options);
  }

  async get(input: Unscoped<TokenInput>, options?: Options): Promise<Token<D> | undefined> {
    return this.#door.get<D>(this.fill(input), options);
  }

  async update(input: Unscoped<UpdateInput<D>>, options?: Options): Promise<Token<D> | undefined> {
    return this.#door.update<D>(this.fill(input), options);
  }

  async refresh(input: Unscoped<RefreshInput>, options?: Options): Promise<Token<D> | undefined> {
    return this.#door.refresh<D>(this.fill(input), options);
  }

  async rotate(input: Unscoped<RotateInput>, options?: Options): Promise<Token<D> | undefined> {
    return this.#door.rotate<D>(this.fillRotation(input), options);
  }

  async delete(input: Unscoped<TokenInput>, options?: Options): Promise<boolean> {
    return this.#door.delete(this.fill(input), options);
  }

  async deleteAll(input: Unscoped<OwnerInput>, options?: Options): Promise<number> {
    return this.#door.deleteAll(this.fill(input), options);
  }

  async list(input: Unscoped<ListInput>, options?: Options): Promise<TokenRecord<D>[]> {
    return this.#door.list<D>(this.fill(input), options);
  }

  idOf(input: Unscoped<TokenInput>): string {
    return this.#door.idOf(this.fill(input));
  }

  /** Without the scope's duration: unasked, a rotation prolongs nothing. */
  protected fillRotation(input: Unscoped<RotateInput>): RotateInput {
    return { ...this.fill<RotateInput>(input), duration: input?.duration };
  }

  /** The whole input: what the call gives, before what the scope gives. @throws {ValidationError} in another scope. */
  protected fill<I extends Scope>(input: Unscoped<I>): I {
    const filled: Record<string, unknown> = { ...this.#scope };
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
