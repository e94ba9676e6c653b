// What happens to tokens: a story for each, or for an owner, told by what chance draws.
import { setImmediate as turn } from 'node:timers/promises';
import { generateToken, type Operation, type Operations, type TokenProducer } from '../../../src/index.js';
import { Chance } from '../../support/chance.js';
import { type Answer, type Entry, isAlive, type Ledger, type Meaning, PATIENCE, recordIn } from './ledger.js';

const SCOPES = [
  { app: 'shop', type: 'session' },
  { app: 'shop', type: 'api:key' },
  { app: 'блог*', type: 'reset' },
] as const;

const DURATION = 3_600;
const SHORT = 2;
const GRACE = 300;

/** Through whom stories send, so that no more is under way than should be. */
export interface Sender {
  /** Enqueues a command, through several producers where it has a commandId. */
  send<O extends Operation>(
    producers: readonly TokenProducer[],
    op: O,
    input: Operations[O]['input'],
    meaning: Meaning,
    commandId?: string,
  ): Promise<Entry<O>>;
  answerOf(producer: TokenProducer, entry: Entry): Promise<Answer>;
  /** Resolves when the next command may be sent. */
  take(): Promise<void>;
}

/** A token as a story knows it. */
interface Held {
  token: string;
  id: string;
}

export class Story {
  readonly #name: string;
  readonly #sender: Sender;
  readonly #ledger: Ledger;
  readonly #chance: Chance;
  readonly #producers: readonly [TokenProducer, TokenProducer];
  #scope: { app: string; type: string };
  readonly #hasIdle: boolean;
  #count = 0;

  constructor(
    number: number,
    sender: Sender,
    ledger: Ledger,
    producers: readonly [TokenProducer, TokenProducer],
  ) {
    this.#name = `s${number}`;
    this.#sender = sender;
    this.#ledger = ledger;
    this.#chance = new Chance(this.#name);
    this.#producers = this.#chance.is(0.5) ? producers : [producers[1], producers[0]];
    this.#scope = this.#chance.pick(SCOPES);
    this.#hasIdle = this.#chance.is(0.4);
  }

  tell(shortLives: boolean): Promise<void> {
    const draw = this.#chance.int(1, 100);
    if (draw <= 30) return this.#oneAfterAnother();
    if (draw <= 55) return this.#inBatches();
    if (draw <= 63) return this.#logOutEverywhere();
    if (draw <= 67) return this.#closeDown();
    if (draw <= 73) return this.#underALimit();
    if (draw > 90) return this.#rotations();
    return draw <= 78 && shortLives ? this.#shortLife() : this.#race();
  }

  /** Each command waits for the one before; a custom token may have a second life. */
  async #oneAfterAnother(): Promise<void> {
    const custom = this.#chance.is(0.5) ? this.#secret() : undefined;
    for (let life = 0; life < (custom ? 2 : 1); life++) {
      const held = await this.#create(this.#name, custom ? { customToken: custom } : {});
      if (!held) return;
      for (let n = this.#chance.int(1, 6); n > 0; n--) {
        const entry = await this.#change(held, this.#chance.pick(['update', 'update', 'refresh', 'get']));
        this.#expect(entry, await this.#answer(entry), 'a token');
        if (this.#chance.is(0.2)) await this.#changeOtherVersion(held, entry);
      }
      if (this.#chance.is(0.6)) return;
      await this.#end(held);
      const after = await this.#change(held, this.#chance.pick(['update', 'refresh', 'get']));
      this.#expect(after, await this.#answer(after), undefined);
    }
  }

  /** An update of a version that the token has no more is refused, whoever runs it and however often. */
  async #changeOtherVersion(held: Held, after: Entry): Promise<void> {
    const version = recordIn(after.answer)?.version ?? 0;
    const input = { ...this.#of(held), data: { never: true }, ifVersion: version + 1 };
    const entry = await this.#single('update', input, { ...this.#mine(), ifVersion: version + 1 });
    const answer = await this.#answer(entry);
    if (answer.status !== 'failed') this.#ledger.surprise(entry, 'it was to be refused for its version');
  }

  /** Commands that depend on each other travel in one job, in order. */
  async #inBatches(): Promise<void> {
    const held = { token: this.#secret(), id: '' };
    const first = this.#send('create', this.#creation(held.token), this.#birth());
    const later = Array.from({ length: this.#chance.int(1, 5) }, () =>
      this.#change(held, this.#chance.pick(['update', 'update', 'refresh', 'get']), false),
    );
    const entries = await Promise.all([first, ...later]);
    const answers = await Promise.all(entries.map((entry) => this.#answer(entry)));
    const together = entries.every(({ receipt }) => receipt.jobId === entries[0]?.receipt.jobId);
    if (together) for (const [i, entry] of entries.entries()) this.#expect(entry, answers[i], 'a token');
    if (this.#chance.is(0.6)) return;
    const ends = await Promise.all([1, 2].map(() => this.#send('delete', this.#of(held), this.#mine())));
    const ended = await Promise.all(ends.map((entry) => this.#answer(entry)));
    if (ends[0]?.receipt.jobId === ends[1]?.receipt.jobId) {
      for (const [i, entry] of ends.entries()) this.#expect(entry, ended[i], i === 0);
    }
  }

  /** Commands on one token race, and so may its end. */
  async #race(): Promise<void> {
    const held = await this.#create(this.#name, {});
    if (!held) return;
    const ends = this.#chance.is(0.4);
    const racing: Promise<Entry>[] = [];
    const count = this.#chance.int(3, 9);
    for (let i = 0; i < count; i++) {
      if (ends && i === count >> 1) racing.push(this.#single('delete', this.#of(held), this.#mine()));
      racing.push(this.#change(held, this.#chance.pick(['update', 'update', 'refresh', 'get'])));
      if (this.#chance.is(0.3)) await turn();
    }
    const entries = await Promise.all(racing);
    const answers = await Promise.all(entries.map((entry) => this.#answer(entry)));
    for (const [i, entry] of entries.entries()) {
      if (entry.op === 'delete') this.#expect(entry, answers[i], true);
      else if (!ends) this.#expect(entry, answers[i], 'a token');
    }
  }

  /** All that an owner has ends at once, what is on its way too; what is made afterwards lives. */
  async #logOutEverywhere(): Promise<void> {
    const first = this.#producers[0];
    const creating = Array.from({ length: this.#chance.int(2, 5) }, () =>
      this.#create(this.#name, this.#chance.is(0.5) ? { customToken: this.#secret() } : {}),
    );
    const devices = (await Promise.all(creating)).filter((held) => held !== undefined);
    if (devices.length < creating.length) return;
    const racing: Promise<Entry>[] = [];
    for (const held of devices) {
      if (this.#chance.is(0.6)) racing.push(this.#change(held, this.#chance.pick(['update', 'refresh'])));
    }
    const one = devices[0] as Held;
    const alone = this.#chance.is(0.3)
      ? this.#send('delete', this.#of(one), this.#mine(), [first])
      : undefined;
    const late = this.#chance.is(0.5)
      ? this.#send('create', this.#creation(undefined), { ...this.#birth(), doomed: true }, [first])
      : undefined;
    const owner = { ...this.#scope, owner: this.#name };
    const out = await this.#send('deleteAll', owner, this.#mine(), [first], this.#ownId(0.5));
    const answer = await this.#answer(out);
    const others = await Promise.all([...racing, ...(alone ? [alone] : []), ...(late ? [late] : [])]);
    await Promise.all(others.map((entry) => this.#answer(entry)));
    if (answer.status === 'failed') this.#ledger.surprise(out, 'a revocation failed');
    for (const held of devices) {
      const read = await this.#change(held, 'get');
      this.#expect(read, await this.#answer(read), undefined);
    }
    const again = await this.#create(this.#name, {});
    if (!again) return;
    const read = await this.#change(again, 'get');
    this.#expect(read, await this.#answer(read), 'a token');
  }

  /** A token is rotated by many at once, and what takes its place again: each is answered the one successor. */
  async #rotations(): Promise<void> {
    let held = await this.#create(this.#name, {});
    for (let n = this.#chance.int(1, 3); held && n > 0; n--) {
      const input = { ...this.#of(held), grace: GRACE };
      const commandIds = Array.from({ length: this.#chance.int(1, 3) }, () => this.#ownId(1) as string);
      const entries = await Promise.all(
        commandIds.map((id) => this.#send('rotate', input, this.#mine(), this.#someProducers(), id)),
      );
      const answers = await Promise.all(entries.map((entry) => this.#answer(entry)));
      for (const [i, entry] of entries.entries()) this.#expect(entry, answers[i], 'a token');
      // The same command again: whoever has the token is told its successor.
      const [commandId] = commandIds;
      const next = await this.#any().rotate(input, { commandId, timeout: PATIENCE });
      if (!next || next.id !== recordIn(answers[0])?.id) {
        this.#ledger.surprise(entries[0] as Entry, 'asked again it tells another successor');
        return;
      }
      this.#ledger.tokens.set(next.id, { ...this.#scope, token: next.token });
      held = { id: next.id, token: next.token };
      const changed = await this.#change(held, this.#chance.pick(['update', 'refresh', 'get']));
      this.#expect(changed, await this.#answer(changed), 'a token');
    }
    if (!held || this.#chance.is(0.5)) return;
    await this.#end(held);
  }

  /** One token's end, in whatever way; of two that consume it, one gets it. */
  async #end(held: Held): Promise<void> {
    const way = this.#chance.pick(['delete', 'deleteById', 'consume'] as const);
    if (way === 'delete') {
      const entry = await this.#single('delete', this.#of(held), this.#mine());
      this.#expect(entry, await this.#answer(entry), true);
    } else if (way === 'deleteById') {
      const by = { ...this.#scope, id: held.id };
      const other = await this.#single('deleteById', { ...by, owner: 'nobody' }, this.#mine());
      this.#expect(other, await this.#answer(other), false);
      const entry = await this.#single('deleteById', { ...by, owner: this.#name }, this.#mine());
      this.#expect(entry, await this.#answer(entry), true);
    } else {
      const both = await Promise.all(
        [1, 2].map(() => this.#single('consume', { ...this.#of(held), reason: 'used' }, this.#mine())),
      );
      const answers = await Promise.all(both.map((entry) => this.#answer(entry)));
      const got = answers.filter(isAlive).length;
      if (got !== 1) this.#ledger.surprise(both[0] as Entry, `of two that consume it ${got} get it`);
    }
  }

  /** A scope of its own ends as a whole, or its app does, what is on its way too; or all but one token of an owner. */
  async #closeDown(): Promise<void> {
    const scope = { app: `app-${this.#name}`, type: this.#chance.pick(['session', 'a:b']) };
    this.#scope = scope;
    const first = this.#producers[0];
    const made = await Promise.all(
      Array.from({ length: this.#chance.int(2, 5) }, () => this.#create(this.#name, {})),
    );
    const held = made.filter((one) => one !== undefined);
    const [one] = held;
    if (!one || held.length < made.length) return;
    const way = this.#chance.pick(['deleteScope', 'deleteApp', 'deleteAll'] as const);
    const racing = await this.#change(one, this.#chance.pick(['update', 'refresh']));
    const late = this.#send('create', this.#creation(undefined), { ...this.#birth(), doomed: true }, [first]);
    const { app } = scope;
    const out =
      way === 'deleteAll'
        ? this.#send(way, { ...scope, owner: this.#name, except: one.token }, this.#mine(), [first])
        : way === 'deleteApp'
          ? this.#send(way, { app }, this.#mine(), [first], this.#ownId(0.5))
          : this.#send(way, scope, this.#mine(), [first], this.#ownId(0.5));
    const entries = await Promise.all([out, late, racing]);
    const answers = await Promise.all(entries.map((entry) => this.#answer(entry)));
    if (answers[0]?.status === 'failed') this.#ledger.surprise(entries[0] as Entry, 'a revocation failed');
    for (const token of held) {
      const read = await this.#change(token, token === one ? 'update' : 'get');
      const stays = way === 'deleteAll' && token === one;
      this.#expect(read, await this.#answer(read), stays ? 'a token' : undefined);
    }
    const again = await this.#create(this.#name, {});
    if (!again) return;
    const read = await this.#change(again, 'get');
    this.#expect(read, await this.#answer(read), 'a token');
  }

  /** One owner logs in again and again, and never has more tokens than a few; each time the oldest ends, or none is made. */
  async #underALimit(): Promise<void> {
    const max = this.#chance.int(1, 3);
    const overflow = this.#chance.pick(['reject', 'end-oldest'] as const);
    const input = { ...this.#creation(undefined), limit: { max, overflow } };
    const birth = { ...this.#birth(), limit: { max, overflow } };
    const sent = await Promise.all(
      Array.from({ length: this.#chance.int(max + 1, 7) }, () => this.#send('create', input, birth)),
    );
    const answers = await Promise.all(sent.map((entry) => this.#answer(entry)));
    const made = answers.filter((answer) => isAlive(answer)).length;
    const wanted = overflow === 'reject' ? max : sent.length;
    if (made !== wanted) this.#ledger.surprise(sent[0] as Entry, `${made} of ${wanted} were made`);
    const count = await this.#single('count', { ...this.#scope, owner: this.#name }, this.#mine());
    const counted = await this.#answer(count);
    const isRight = counted.status === 'completed' && counted.value === max;
    if (!isRight) this.#ledger.surprise(count, `${max} were to be counted`);
  }

  /** A token that expires while it is used. */
  async #shortLife(): Promise<void> {
    const birth = { ...this.#birth(), short: SHORT * 1_000 };
    const entry = await this.#single('create', { ...this.#creation(undefined), duration: SHORT }, birth);
    if (!isAlive(await this.#answer(entry))) return;
    const held = this.#held(entry);
    for (let n = this.#chance.int(0, 3); n > 0; n--) await this.#answer(await this.#change(held, 'update'));
  }

  /** A create that nothing is in the way of. */
  async #create(owner: string, more: { customToken?: string }): Promise<Held | undefined> {
    const input = { ...this.#creation(more.customToken), owner };
    const entry = await this.#single('create', input, this.#birth());
    this.#expect(entry, await this.#answer(entry), 'a token');
    return isAlive(entry.answer) ? this.#held(entry) : undefined;
  }

  /** An update, refresh or get, as a rule with a commandId of its own. */
  async #change(held: Held, op: 'update' | 'refresh' | 'get', single = true): Promise<Entry> {
    const how = single ? this.#single.bind(this) : this.#send.bind(this);
    if (op === 'get') return how('get', this.#of(held), this.#mine());
    if (op === 'refresh') {
      return how(
        'refresh',
        { ...this.#of(held), duration: DURATION + this.#chance.int(1, 900) },
        this.#mine(),
      );
    }
    const key = this.#key();
    return how('update', { ...this.#of(held), data: { [key.key]: true } }, { ...this.#mine(), ...key });
  }

  /** A command that may be a job of its own, and may be enqueued by both producers. */
  #single<O extends Operation>(op: O, input: Operations[O]['input'], meaning: Meaning): Promise<Entry<O>> {
    const canBeNamed = op !== 'create' || (input as { customToken?: string }).customToken !== undefined;
    const commandId = canBeNamed ? this.#ownId(0.7) : undefined;
    const producers =
      commandId !== undefined && this.#chance.is(0.3) ? this.#producers : this.#producers.slice(0, 1);
    return this.#send(op, input, meaning, producers, commandId);
  }

  async #send<O extends Operation>(
    op: O,
    input: Operations[O]['input'],
    meaning: Meaning,
    producers: readonly TokenProducer[] = [this.#producers[0]],
    commandId?: string,
  ): Promise<Entry<O>> {
    return this.#sender.send(producers, op, input, meaning, commandId);
  }

  async #answer(entry: Entry): Promise<Answer> {
    const answer = await this.#sender.answerOf(this.#any(), entry);
    await this.#sender.take();
    return answer;
  }

  #expect(entry: Entry, answer: Answer | undefined, wanted: 'a token' | boolean | undefined): void {
    const isRight =
      wanted === 'a token' ? isAlive(answer) : answer?.status === 'completed' && answer.value === wanted;
    if (!isRight) this.#ledger.surprise(entry, `${wanted} was to be answered`);
  }

  #creation(customToken: string | undefined): Operations['create']['input'] {
    const input = {
      ...{ ...this.#scope, owner: this.#name, duration: DURATION, data: { story: this.#name } },
      // So that uses are written down among all else, which changes no version and tells of nothing.
      ...(this.#hasIdle && { idle: DURATION / 2, label: this.#name }),
    };
    return customToken === undefined ? input : { ...input, customToken };
  }

  #birth = (): Meaning => ({ ...this.#mine(), data: { story: this.#name } });

  #mine = (): Meaning => ({ owner: this.#name });

  #of = ({ token }: Held) => ({ ...this.#scope, token });

  #key = (): { key: string } => ({ key: `k${this.#count++}` });

  #held({ receipt }: Entry): Held {
    const id = receipt.id as string;
    return { id, token: this.#ledger.tokens.get(id)?.token as string };
  }

  /** One of the caller's own, or one that was generated for this create beforehand. */
  #secret(): string {
    return this.#chance.is(0.5) ? generateToken() : `${this.#name}-${this.#count++}`;
  }

  #ownId(probability: number): string | undefined {
    return this.#chance.is(probability) ? `${this.#name}.${this.#count++}` : undefined;
  }

  #someProducers = () => (this.#chance.is(0.3) ? this.#producers : this.#producers.slice(0, 1));

  #any = (): TokenProducer => this.#chance.pick(this.#producers);
}
