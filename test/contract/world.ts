// The store under test, with commands in short: each takes the fields that its test is about, and how it was issued.
import { randomBytes } from 'node:crypto';
import { assert } from 'chai';
import { MICROS_PER_MS, type Microseconds } from '../../src/tokens/clock.js';
import { buildCommand, type CommandFields, type Commands } from '../../src/tokens/commands.js';
import type { TokenEvent } from '../../src/tokens/events.js';
import type { Operation } from '../../src/tokens/operations.js';
import type { Attempt, JobReference, Rotated, TokenRepository } from '../../src/tokens/repository.js';
import { newNonce } from '../../src/tokens/secret.js';
import type { OwnersPage, TokenRecord } from '../../src/tokens/types.js';
import { checkCommand } from '../../src/tokens/validation.js';
import type { Member, OpenSubject, Subject } from './subject.js';

export const MAX_DATA_BYTES = 70_000;
export const MAX_COMMAND_AGE = 900_000;
export const SECOND = 1_000;

/** How a command was issued. */
export interface Issue {
  /** Milliseconds ago; negative where its sender's clock is ahead. Default 0. */
  ago?: number;
  /** Exactly when, in place of `ago`. */
  issuedAt?: Microseconds;
  /** From a queue. */
  job?: JobReference;
  commandId?: string;
  /** Default 5 seconds from now. */
  until?: Microseconds;
}

type Fields<O extends Operation> = CommandFields<O> & Issue;

/** An event in short. */
export type Fact = Pick<TokenEvent, 'type' | 'subject'> & Partial<Omit<TokenEvent['data'], 'app' | 'type'>>;

/** Ids of one shard, whatever the number of shards, in the order in which they are made. */
let ids = 0;
export const newId = (): string =>
  `AA${randomBytes(9).toString('base64url')}${String(ids++).padStart(8, '0')}`;

/** Ids of any shard. */
export const scatteredId = (): string => randomBytes(18).toString('base64url').slice(0, 22);

export class World {
  readonly #open: () => Promise<Subject>;
  readonly #heard = new Set<string>();
  #subject: Subject | undefined;

  /** Registers the hooks: a new store for each test, and after it the look at what its indexes hold. */
  constructor(open: OpenSubject) {
    this.#open = () => open({ maxDataBytes: MAX_DATA_BYTES, maxCommandAge: MAX_COMMAND_AGE });
    beforeEach(() => this.reopen());
    afterEach(async () => {
      try {
        await this.checkIndexes();
      } finally {
        await this.#subject?.close();
        this.#subject = undefined;
      }
    });
  }

  /** Goes on with an empty store. */
  async reopen(): Promise<void> {
    await this.#subject?.close();
    this.#heard.clear();
    this.#subject = await this.#open();
    await this.repository.ready();
  }

  get subject(): Subject {
    return this.#subject as Subject;
  }

  get repository(): TokenRepository {
    return this.subject.repository;
  }

  now(): Microseconds {
    return this.repository.now();
  }

  /** The store's time in milliseconds, as records tell theirs. */
  nowMs(): number {
    return this.now() / MICROS_PER_MS;
  }

  /** A job whose first command was issued just now. */
  job(queue = 'commands'): JobReference {
    return { queue, id: randomBytes(6).toString('hex'), issuedAt: this.now() };
  }

  create(fields: Fields<'create'> = {}): Promise<TokenRecord> {
    return this.#run('create', { id: newId(), owner: 'ann', data: {}, duration: 60, ...fields });
  }

  /** Ann logs out and in again by a sender whose clock is as far ahead as it may be. */
  async createAhead(): Promise<TokenRecord> {
    const issuedAt = this.now() + 4_900 * MICROS_PER_MS;
    await this.deleteAll('ann', { issuedAt, job: this.job('revocations'), commandId: 'out' });
    return this.create({ issuedAt: issuedAt + 1, job: this.job(), commandId: 'in' });
  }

  get(id: string, fields: Fields<'get'> = {}): Promise<TokenRecord | undefined> {
    return this.repository.get(this.#command('get', { id, ...fields }), fields.commandId);
  }

  update(id: string, data: object, fields: Fields<'update'> = {}): Promise<TokenRecord | undefined> {
    return this.#run('update', { id, data, ...fields });
  }

  refresh(id: string, duration: number, fields: Fields<'refresh'> = {}): Promise<TokenRecord | undefined> {
    return this.#run('refresh', { id, duration, ...fields });
  }

  /** Without a nonce and a successor of its own, each has another. */
  rotate(id: string, fields: Fields<'rotate'> = {}): Promise<Rotated | undefined> {
    return this.#run('rotate', { id, successor: newId(), nonce: newNonce(), ...fields });
  }

  delete(id: string, fields: Fields<'delete'> = {}): Promise<boolean> {
    return this.#run('delete', { id, ...fields });
  }

  deleteAll(owner: string, fields: Fields<'deleteAll'> = {}): Promise<number> {
    return this.#run('deleteAll', { owner, ...fields });
  }

  consume(id: string, fields: Fields<'consume'> = {}): Promise<TokenRecord | undefined> {
    return this.#run('consume', { id, ...fields });
  }

  getById(id: string, fields: Fields<'getById'> = {}): Promise<TokenRecord | undefined> {
    return this.repository.getById(this.#command('getById', { id, ...fields }));
  }

  deleteById(id: string, fields: Fields<'deleteById'> = {}): Promise<boolean> {
    return this.#run('deleteById', { id, ...fields });
  }

  deleteScope(fields: Fields<'deleteScope'> = {}): Promise<number> {
    return this.#run('deleteScope', fields);
  }

  deleteApp(fields: Fields<'deleteApp'> = {}): Promise<number> {
    return this.#run('deleteApp', fields);
  }

  list(owner: string, fields: Fields<'list'> = {}): Promise<TokenRecord[]> {
    return this.repository.list(this.#command('list', { owner, ...fields }));
  }

  count(fields: Fields<'count'> = {}): Promise<number> {
    return this.repository.count(this.#command('count', fields));
  }

  owners(fields: Fields<'owners'> = {}): Promise<OwnersPage> {
    return this.repository.owners(this.#command('owners', fields));
  }

  /** A use of a token, told now. @param every milliseconds since the one before. */
  touch(id: string, { ago = 0, every = 0, app = 'shop' }: Issue & { every?: number; app?: string } = {}) {
    const usedAt = this.now() - Math.round(ago * MICROS_PER_MS);
    return this.repository.touch({ app, type: 'session', id, usedAt, every });
  }

  advance(ms: number): Promise<void> {
    return this.subject.advance(ms);
  }

  /** The events that were not heard before. */
  async events(): Promise<TokenEvent[]> {
    const news = (await this.subject.events()).filter(({ id }) => !this.#heard.has(id));
    for (const { id } of news) this.#heard.add(id);
    return news;
  }

  /** The same in short. */
  async facts(): Promise<Fact[]> {
    return (await this.events()).map(({ type, subject, data: { app: _, type: __, ...data } }) => ({
      type,
      subject,
      ...data,
    }));
  }

  /** Both indexes hold each live record, and no other member that is not overdue. */
  async checkIndexes(): Promise<void> {
    const { records, byOwner, byScope } = await this.subject.contents();
    const now = this.nowMs();
    // What expires at this moment may be seen here and not there.
    const live = (members: Member[]) =>
      members
        .filter(({ expiresAt }) => expiresAt > now)
        .map(({ app, type, owner, id, expiresAt }) => JSON.stringify([app, type, owner, id, expiresAt]))
        .sort();
    assert.deepEqual(live(byOwner), live(records), 'the indexes of owners hold what lives');
    assert.deepEqual(live(byScope), live(records), 'the indexes of scopes hold what lives');
  }

  /** How many members the two indexes hold, overdue ones too. */
  async indexSizes(): Promise<{ byOwner: number; byScope: number }> {
    const { byOwner, byScope } = await this.subject.contents();
    return { byOwner: byOwner.length, byScope: byScope.length };
  }

  #run<O extends Exclude<Operation, 'get' | 'getById' | 'list' | 'count' | 'owners'>>(
    op: O,
    fields: Fields<O>,
  ): ReturnType<TokenRepository[O]> {
    const command = this.#command(op, fields);
    const attempt: Attempt = { until: fields.until ?? this.now() + 5_000 * MICROS_PER_MS };
    if (fields.job) attempt.job = fields.job;
    if (fields.commandId !== undefined) attempt.commandId = fields.commandId;
    return (
      this.repository[op] as (command: Commands[O], attempt: Attempt) => ReturnType<TokenRepository[O]>
    )(command, attempt);
  }

  /** Checked like every command: what the suite sends could have been sent. */
  #command<O extends Operation>(op: O, { ago = 0, issuedAt, ...fields }: Fields<O>): Commands[O] {
    const stamp = issuedAt ?? this.now() - Math.round(ago * MICROS_PER_MS);
    const command = buildCommand(op, {
      app: 'shop',
      type: 'session',
      ...fields,
      issuedAt: stamp,
    } as unknown as CommandFields<O>);
    checkCommand(command, MAX_DATA_BYTES);
    return command;
  }
}
