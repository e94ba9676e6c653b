/** The operations run in process: input → seal → command → repository. */
import { ActiveCalls } from './active-calls.js';
import { passAttributes } from './attributes.js';
import { MICROS_PER_MS, type Microseconds, stampWhenReady } from './clock.js';
import type { Miss } from './guessing.js';
import { NearReads } from './near-reads.js';
import type { Operation, Operations, ScopeDefaults, ScopedTokens, TokenOperations } from './operations.js';
import type { ResolvedTokenOptions } from './options.js';
import type { Attempt, TokenRepository } from './repository.js';
import { DoorScope } from './scope.js';
import { type Sealed, Sealer } from './sealer.js';
import { Touches } from './touches.js';
import type {
  AnyData,
  ConsumeInput,
  CountInput,
  CreateInput,
  DeleteAllInput,
  DeleteAppInput,
  DeleteByIdInput,
  DeleteInput,
  DeleteScopeInput,
  GetInput,
  IdInput,
  ListInput,
  OwnersInput,
  OwnersPage,
  RefreshInput,
  RotateInput,
  Token,
  TokenInput,
  TokenRecord,
  UpdateInput,
} from './types.js';

export class InProcessTokens implements TokenOperations {
  readonly #repository: TokenRepository;
  readonly #sealer: Sealer;
  readonly #near: NearReads | undefined;
  readonly #touches: Touches;
  readonly #timeout: number;
  /** Whether misses are counted. */
  readonly #counts: boolean;
  readonly #calls: ActiveCalls;

  constructor(name: string, repository: TokenRepository, options: ResolvedTokenOptions) {
    this.#repository = repository;
    this.#sealer = new Sealer(options, repository);
    this.#near = repository.peek && new NearReads(repository, options);
    this.#touches = new Touches(repository, options.touchEvery);
    this.#timeout = options.timeout * MICROS_PER_MS;
    this.#counts = options.guessing !== undefined;
    this.#calls = new ActiveCalls(name);
  }

  create<D extends object = AnyData>(input: CreateInput<D>): Promise<Token<D>> {
    return this.#run(
      'create',
      input as CreateInput,
      ({ command, token }, attempt) =>
        withToken<D>(this.#repository.create(command, attempt), token) as Promise<Token<D>>,
    );
  }

  /** As the others, by as few promises as can be. */
  async get<D extends object = AnyData>(input: GetInput): Promise<Token<D> | undefined> {
    this.#calls.begin();
    try {
      const near = this.#near?.find(input);
      if (near) {
        if (near.idle !== undefined) this.#touches.used(near);
        return near as Token<D>;
      }
      const { command, token, possible } = this.#sealer.seal('get', input);
      const miss = this.#counts ? missOf(input) : undefined;
      if (!possible) {
        if (miss) this.#repository.missed?.(miss);
        return undefined;
      }
      if (!this.#repository.isReady) await stampWhenReady(command, this.#repository);
      const found = await this.#repository.get(command);
      if (found?.idle !== undefined && command.touch !== false) this.#touches.used(found);
      if (miss && !found) this.#repository.missed?.(miss);
      return toToken<D>(found, token);
    } finally {
      this.#calls.end();
    }
  }

  update<D extends object = AnyData>(input: UpdateInput<NoInfer<D>>): Promise<Token<D> | undefined> {
    return this.#run('update', input as UpdateInput, ({ command, token, possible }, attempt) =>
      possible ? withToken<D>(this.#repository.update(command, attempt), token) : undefined,
    );
  }

  refresh<D extends object = AnyData>(input: RefreshInput): Promise<Token<D> | undefined> {
    return this.#run('refresh', input, ({ command, token, possible }, attempt) =>
      possible ? withToken<D>(this.#repository.refresh(command, attempt), token) : undefined,
    );
  }

  rotate<D extends object = AnyData>(input: RotateInput): Promise<Token<D> | undefined> {
    return this.#run('rotate', input, async ({ command, possible, successor }, attempt) => {
      const rotated = possible ? await this.#repository.rotate(command, attempt) : undefined;
      return toToken<D>(rotated?.record, rotated && successor?.(rotated.nonce));
    });
  }

  delete(input: DeleteInput): Promise<boolean> {
    return this.#run('delete', input, ({ command, possible }, attempt) =>
      possible ? this.#repository.delete(command, attempt) : false,
    );
  }

  deleteAll(input: DeleteAllInput): Promise<number> {
    return this.#run('deleteAll', input, ({ command }, attempt) =>
      this.#repository.deleteAll(command, attempt),
    );
  }

  consume<D extends object = AnyData>(input: ConsumeInput): Promise<Token<D> | undefined> {
    return this.#run('consume', input, ({ command, token, possible }, attempt) =>
      possible ? withToken<D>(this.#repository.consume(command, attempt), token) : undefined,
    );
  }

  getById<D extends object = AnyData>(input: IdInput): Promise<TokenRecord<D> | undefined> {
    return this.#run(
      'getById',
      input,
      ({ command }) => this.#repository.getById(command) as Promise<TokenRecord<D> | undefined>,
    );
  }

  deleteById(input: DeleteByIdInput): Promise<boolean> {
    return this.#run('deleteById', input, ({ command }, attempt) =>
      this.#repository.deleteById(command, attempt),
    );
  }

  deleteScope(input: DeleteScopeInput): Promise<number> {
    return this.#run('deleteScope', input, ({ command }, attempt) =>
      this.#repository.deleteScope(command, attempt),
    );
  }

  deleteApp(input: DeleteAppInput): Promise<number> {
    return this.#run('deleteApp', input, ({ command }, attempt) =>
      this.#repository.deleteApp(command, attempt),
    );
  }

  list<D extends object = AnyData>(input: ListInput): Promise<TokenRecord<D>[]> {
    return this.#run(
      'list',
      input,
      ({ command }) => this.#repository.list(command) as Promise<TokenRecord<D>[]>,
    );
  }

  count(input: CountInput): Promise<number> {
    return this.#run('count', input, ({ command }) => this.#repository.count(command));
  }

  owners(input: OwnersInput): Promise<OwnersPage> {
    return this.#run('owners', input, ({ command }) => this.#repository.owners(command));
  }

  idOf(input: TokenInput): string {
    return this.#sealer.idOf(input);
  }

  scope<D extends object = AnyData>(scope: ScopeDefaults): ScopedTokens<D> {
    return new DoorScope<D>(this, scope);
  }

  ready(): Promise<void> {
    return this.#calls.run(() => this.#repository.ready());
  }

  async close(): Promise<void> {
    await this.#calls.close();
    await this.#touches.settled();
    await this.#repository.close();
  }

  /** From the first call of `close` on. */
  protected get isClosed(): boolean {
    return this.#calls.closed;
  }

  /** For `await using`: the same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #counting<R>(miss: Miss, answer: Promise<R> | R): Promise<R> {
    const found = await answer;
    if (found === undefined || found === false) this.#repository.missed?.(miss);
    return found;
  }

  /** Seals first: wrong input is refused before any I/O. Stamps once the store's time is known. */
  #run<O extends Operation, R>(
    op: O,
    input: Operations[O]['input'],
    operate: (sealed: Sealed<O>, attempt: Attempt) => Promise<R> | R,
  ): Promise<R> {
    return this.#calls.run(() => {
      const sealed = this.#sealer.seal(op, input);
      const { command, token } = sealed;
      const isPresented = this.#counts && token !== undefined;
      const miss = isPresented ? missOf(input as GetInput) : undefined;
      const begin = (now: Microseconds) => {
        const answer = operate(sealed, { until: now + this.#timeout });
        return miss ? this.#counting(miss, answer) : answer;
      };
      if (this.#repository.isReady || !sealed.possible) return begin(command.issuedAt);
      return stampWhenReady(command, this.#repository).then(() => begin(this.#repository.now()));
    });
  }
}

/** Who misses where the token is none, if the caller has told. */
const missOf = ({ app, type, client }: { [K in keyof Miss]?: Miss[K] | undefined }): Miss | undefined =>
  client === undefined ? undefined : ({ app, type, client } as Miss);

async function withToken<D extends object>(
  found: Promise<TokenRecord | undefined>,
  token: string | undefined,
): Promise<Token<D> | undefined> {
  return toToken(await found, token);
}

function toToken<D extends object>(
  record: TokenRecord | undefined,
  token: string | undefined,
): Token<D> | undefined {
  if (!record) return undefined;
  // Each by its name: a spread with one more takes V8 fifty times as long.
  const { id, app, type, owner, data, version, createdAt, expiresAt } = record as TokenRecord<D>;
  const found: Token<D> = {
    id,
    app,
    type,
    owner,
    data,
    version,
    createdAt,
    expiresAt,
    token: token as string,
  };
  passAttributes(record, found);
  return found;
}
