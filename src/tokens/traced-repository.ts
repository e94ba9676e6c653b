/** A repository whose operations are spans. */
import { AroundRepository } from './around-repository.js';
import type { Command, Commands } from './commands.js';
import type { TokenUse } from './idle.js';
import type { Attempt, Rotated, TokenRepository } from './repository.js';
import type { Telemetry } from './telemetry.js';
import type { OwnersPage, Scope, TokenRecord } from './types.js';

/** What is known without asking the store, and what nobody has asked for, makes no span. */
export class TracedRepository extends AroundRepository implements TokenRepository {
  readonly #telemetry: Telemetry;
  readonly peek?: (id: string, scope: Scope) => TokenRecord | undefined;

  constructor(repository: TokenRepository, telemetry: Telemetry) {
    super(repository);
    this.#telemetry = telemetry;
    if (repository.peek) this.peek = repository.peek.bind(repository);
  }

  get isReady(): boolean {
    return this.repository.isReady;
  }

  ready(): Promise<void> {
    return this.repository.ready();
  }

  create(command: Commands['create'], attempt: Attempt): Promise<TokenRecord> {
    return this.#span(command, () => this.repository.create(command, attempt));
  }

  get(command: Commands['get'], commandId?: string): Promise<TokenRecord | undefined> {
    return this.#span(command, () => this.repository.get(command, commandId));
  }

  touch(use: TokenUse): Promise<void> {
    return this.repository.touch(use);
  }

  update(command: Commands['update'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#span(command, () => this.repository.update(command, attempt));
  }

  refresh(command: Commands['refresh'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#span(command, () => this.repository.refresh(command, attempt));
  }

  rotate(command: Commands['rotate'], attempt: Attempt): Promise<Rotated | undefined> {
    return this.#span(command, () => this.repository.rotate(command, attempt));
  }

  delete(command: Commands['delete'], attempt: Attempt): Promise<boolean> {
    return this.#span(command, () => this.repository.delete(command, attempt));
  }

  deleteAll(command: Commands['deleteAll'], attempt: Attempt): Promise<number> {
    return this.#span(command, () => this.repository.deleteAll(command, attempt));
  }

  consume(command: Commands['consume'], attempt: Attempt): Promise<TokenRecord | undefined> {
    return this.#span(command, () => this.repository.consume(command, attempt));
  }

  getById(command: Commands['getById']): Promise<TokenRecord | undefined> {
    return this.#span(command, () => this.repository.getById(command));
  }

  deleteById(command: Commands['deleteById'], attempt: Attempt): Promise<boolean> {
    return this.#span(command, () => this.repository.deleteById(command, attempt));
  }

  deleteScope(command: Commands['deleteScope'], attempt: Attempt): Promise<number> {
    return this.#span(command, () => this.repository.deleteScope(command, attempt));
  }

  deleteApp(command: Commands['deleteApp'], attempt: Attempt): Promise<number> {
    return this.#span(command, () => this.repository.deleteApp(command, attempt));
  }

  list(command: Commands['list']): Promise<TokenRecord[]> {
    return this.#span(command, () => this.repository.list(command));
  }

  count(command: Commands['count']): Promise<number> {
    return this.#span(command, () => this.repository.count(command));
  }

  owners(command: Commands['owners']): Promise<OwnersPage> {
    return this.#span(command, () => this.repository.owners(command));
  }

  close(): Promise<void> {
    return this.repository.close();
  }

  #span<T>(command: Command, work: () => Promise<T>): Promise<T> {
    const id = 'id' in command ? command.id : undefined;
    return this.#telemetry.span({ operation: command.op, kind: 'client', id }, work);
  }
}
