// Holds the ledger against what Redis holds: every effect exactly once, and nothing that nobody was told of.
import { isDeepStrictEqual } from 'node:util';
import type { TokenEvent, TokenRecord } from '../../../src/index.js';
import { segment } from '../../../src/redis/keys.js';
import { READS } from '../../../src/tokens/commands.js';
import { historyOf, shown } from './history.js';
import { type Answer, type Entry, isAlive, type Ledger, recordIn, unused } from './ledger.js';
import { beyondLimits, isMadeRoom, mayMakeRoom } from './limits.js';
import type { Stored } from './stored.js';

export interface Contradiction {
  text: string;
  /** The token or the owner whose history tells more. */
  about?: string;
}

/** One life of a token, as the log tells it. */
interface Life {
  id: string;
  create: Entry | undefined;
  /** Events from its creation on; that of version v stands at v - 1. */
  versions: TokenEvent[];
  end: TokenEvent | undefined;
  /** Of a successor: how many versions its token had before it. */
  inherited: number;
}

/** What ends many, and the reason that it tells. */
const REASON_OF: Record<string, string> = {
  deleteAll: 'deleted-all',
  deleteScope: 'deleted-scope',
  deleteApp: 'deleted-app',
};

const EVENT_OF: Record<string, string> = {
  create: 'token-created',
  update: 'token-updated',
  refresh: 'token-refreshed',
  rotate: 'token-rotated',
  delete: 'token-revoked',
  deleteAll: 'token-revoked',
  consume: 'token-revoked',
  deleteById: 'token-revoked',
  deleteScope: 'token-revoked',
  deleteApp: 'token-revoked',
};

/** Milliseconds by which clocks of two processes may differ. */
const CLOCKS = 100;

/** Whether a command may fail as it did, kills or none. */
function mayFail({ op, meaning, sentAt, answeredAt = 0 }: Entry, code: string): boolean {
  if (code === 'VERSION_CONFLICT') return op === 'update' && meaning.ifVersion !== undefined;
  if (code === 'LIMIT_EXCEEDED') return op === 'create' && meaning.limit?.overflow === 'reject';
  if (op !== 'create') return false;
  if (code === 'TOKEN_REVOKED') return meaning.doomed === true;
  const { short } = meaning;
  return code === 'COMMAND_EXPIRED' && short !== undefined && answeredAt - sentAt > short - CLOCKS;
}

/** A deleteApp marks before it ends: a change that comes in between ends what it meets. */
const isMetMark = ({ op }: Entry, { type, data }: TokenEvent): boolean =>
  (op === 'update' || op === 'refresh') && type === 'token-revoked' && data.reason === 'deleted-app';

export class Verdict {
  readonly contradictions: Contradiction[] = [];
  readonly #ledger: Ledger;
  readonly #stored: Stored;
  /** What another producer was answered. */
  readonly #elsewhere: ReadonlyMap<Entry, Answer>;
  readonly #byCommandId = new Map<string, Entry>();
  readonly #lives = new Map<string, Life[]>();
  /** The effects of each command. */
  readonly #effects = new Map<Entry, TokenEvent[]>();

  constructor(ledger: Ledger, stored: Stored, elsewhere: ReadonlyMap<Entry, Answer>) {
    this.#ledger = ledger;
    this.#stored = stored;
    this.#elsewhere = elsewhere;
    for (const { entry, text } of ledger.surprises) this.#object(text, entry);
    for (const entry of ledger.entries) {
      if (this.#byCommandId.has(entry.receipt.commandId))
        this.#object('its commandId was used before', entry);
      this.#byCommandId.set(entry.receipt.commandId, entry);
    }
    this.#readLog();
    for (const entry of ledger.entries) {
      this.#judgeAnswers(entry);
      this.#judgeEffects(entry);
      if (entry.op === 'get' || entry.op === 'consume') this.#judgeReading(entry);
    }
    this.#judgeMessages();
    for (const { text, owner } of beyondLimits(ledger.entries, stored.events)) this.#object(text, owner);
    for (const lives of this.#lives.values()) for (const life of lives) this.#judgeLife(life);
    this.#judgeWhatIsLeft();
  }

  /** Jobs that were begun more than once. */
  get restarted(): number {
    return [...this.#stored.jobs.values()].filter(({ attempts }) => attempts > 1).length;
  }

  /** The first contradictions, each with all that is known of its token. */
  report(count: number): string {
    const lines = this.contradictions
      .slice(0, count)
      .flatMap(({ text, about }) => [text, ...historyOf(about, this.#ledger, this.#stored)]);
    return [`${this.contradictions.length} contradictions, the first of them:`, ...lines].join('\n');
  }

  #object(text: string, about?: Entry | string): void {
    if (about === undefined || typeof about === 'string')
      this.contradictions.push({ text, ...(about && { about }) });
    else {
      const { op, receipt, meaning } = about;
      this.contradictions.push({
        text: `${op} ${receipt.commandId}, answered ${shown(about.answer)}: ${text}`,
        about: receipt.id ?? meaning.owner,
      });
    }
  }

  /** Sorts the events by token and life, and by the command that caused them. */
  #readLog(): void {
    for (const event of this.#stored.events) {
      const { type, subject, data } = event;
      const entry = data.commandId === undefined ? undefined : this.#byCommandId.get(data.commandId);
      if (isMadeRoom(event)) {
        if (!mayMakeRoom(event, entry)) this.#object('was ended to make room', subject);
      } else if (type !== 'token-expired') {
        if (!entry) this.#object(`${type} by a command that nobody sent: ${data.commandId}`, subject);
        else if (isMetMark(entry, event)) {
          // The revocation's effect, by whoever came across its mark first: it is answered nothing.
        } else if (EVENT_OF[entry.op] !== type) this.#object(`caused ${type}`, entry);
        else this.#effects.set(entry, [...(this.#effects.get(entry) ?? []), event]);
      }
      const lives = this.#lives.get(subject) ?? [];
      const life = lives.at(-1);
      if (type === 'token-created') {
        if (life && !life.end) this.#object('was created while it lived', subject);
        lives.push({ id: subject, create: entry, versions: [event], end: undefined, inherited: 0 });
        this.#lives.set(subject, lives);
        if (data.version !== 1) this.#object(`was created with version ${data.version}`, subject);
      } else if (!life || life.end) {
        this.#object(`${type} of what was dead`, subject);
      } else if (type === 'token-rotated') {
        this.#readRotation(life, event);
      } else if (type === 'token-revoked' || type === 'token-expired') {
        life.end = event;
        if (type === 'token-expired' && !life.create?.meaning.short) this.#object('has expired', subject);
        if (type === 'token-revoked' && data.version !== life.versions.length)
          this.#object(`was revoked with version ${data.version}`, subject);
      } else {
        life.versions.push(event);
        if (data.version !== life.versions.length)
          this.#object(`${type}: version ${data.version} follows ${life.versions.length - 1}`, subject);
      }
    }
  }

  /** The successor goes on where its token ends. */
  #readRotation(life: Life, event: TokenEvent): void {
    const { successor = '', version } = event.data;
    life.end = event;
    const versions = [...life.versions, event];
    if (version !== versions.length) this.#object(`was rotated to version ${version}`, event.subject);
    if (this.#lives.has(successor)) this.#object('took the place of another twice', successor);
    this.#lives.set(successor, [
      { id: successor, create: life.create, versions, end: undefined, inherited: life.versions.length },
    ]);
  }

  /** One result for each command, whomever one asks. */
  #judgeAnswers(entry: Entry): void {
    const { answer } = entry;
    if (!answer) {
      this.#object('was never answered', entry);
      return;
    }
    if (answer.status === 'failed' && !mayFail(entry, answer.code)) this.#object('failed', entry);
    const other = this.#elsewhere.get(entry);
    if (!isDeepStrictEqual(other, answer))
      this.#object(`another producer is answered ${shown(other)}`, entry);
    for (const results of this.#ledger.heard.get(entry.receipt.jobId) ?? []) {
      const { commandId } = entry.receipt;
      const heard = results.filter((result) => result.commandId === commandId && result.op === entry.op);
      const [result] = heard;
      const { code, message } = result?.error ?? {};
      const told = result?.error
        ? { status: 'failed', code, message }
        : { status: 'completed', value: withoutNonce(result?.value) };
      if (heard.length !== 1 || !isDeepStrictEqual(told, answer))
        this.#object(`its channel told ${JSON.stringify(heard)}`, entry);
    }
  }

  #judgeMessages(): void {
    const jobs = new Set(this.#ledger.entries.map(({ receipt }) => receipt.jobId));
    for (const jobId of this.#ledger.heard.keys()) {
      if (!jobs.has(jobId)) this.#object(`a result was told of ${jobId}, which nobody enqueued`);
    }
  }

  /** As many effects as were answered. */
  #judgeEffects(entry: Entry): void {
    const { answer, op, receipt, meaning } = entry;
    const effects = this.#effects.get(entry) ?? [];
    if (REASON_OF[op] !== undefined) {
      const subjects = new Set(effects.map(({ subject }) => subject));
      const told = answer?.status === 'completed' ? answer.value : 0;
      if (effects.length !== told || subjects.size !== told)
        this.#object(`it ended ${effects.length}`, entry);
      for (const { data } of effects) {
        if (data.reason !== REASON_OF[op] || data.owner !== meaning.owner)
          this.#object(`ended a token of ${data.owner} as ${data.reason}`, entry);
      }
      return;
    }
    const wanted =
      // What was consumed is answered again, although it has gone: below it must be as it was.
      isAlive(answer) && !READS.has(op) ? 1 : answer?.status === 'completed' && answer.value === true ? 1 : 0;
    const [effect] = effects;
    if (effect && effect.subject !== receipt.id) this.#object(`changed ${effect.subject}`, entry);
    if (effects.length === wanted) return;
    // The successor that another rotation has made is answered, too.
    const rotatedBefore =
      op === 'rotate' && this.#lives.get(receipt.id ?? '')?.[0]?.end?.type === 'token-rotated';
    if (rotatedBefore && effects.length === 0) return;
    // What was applied before the worker died is answered with the record as of now: with none where it has gone.
    const isGone = effects.length === 1 && effect && this.#lifeOf(effect)?.end !== undefined;
    const isReplayed =
      op !== 'consume' &&
      this.#wasRestarted(entry) &&
      answer?.status === 'completed' &&
      answer.value === undefined;
    if (isGone && isReplayed) return;
    this.#object(`it took effect ${effects.length} times`, entry);
  }

  /** What was read is a version that there was. */
  #judgeReading(entry: Entry): void {
    const read = recordIn(entry.answer);
    if (!read) return;
    const life = this.#lives
      .get(entry.receipt.id ?? '')
      ?.find(
        ({ create, inherited }) => inherited > 0 || recordIn(create?.answer)?.createdAt === read.createdAt,
      );
    if (!life || read.version > life.versions.length) this.#object('there was no such version', entry);
    else {
      this.#judgeRecord('it is read', read, life, entry);
      if (entry.op === 'consume' && read.version !== life.versions.length)
        this.#object('its version was not the last', entry);
    }
  }

  #judgeLife(life: Life): void {
    const { id, create, versions, end } = life;
    const lastLife = this.#lives.get(id)?.at(-1) === life;
    this.#judgeOrder(life);
    if (create?.meaning.doomed && !end)
      this.#object('lives, although it was revoked after it was issued', create);
    const record = this.#stored.readable.get(id);
    if (end) {
      if (lastLife && record) this.#object('was ended, and lives', id);
    } else if (!record) {
      this.#object('was not ended, and is dead', id);
    } else {
      this.#judgeRecord('it is stored', record, life, id);
      if (record.version !== versions.length) this.#object(`it is stored with version ${record.version}`, id);
    }
    // Every answer shows the life at one of its versions: its own, or a later one where the job ran again.
    for (const [i, event] of versions.entries()) {
      if (i < life.inherited) continue; // the token's own
      const entry = this.#byCommandId.get(event.data.commandId ?? '');
      const told = recordIn(entry?.answer);
      if (!entry || !told) continue;
      this.#judgeRecord('it is answered', told, life, entry);
      const isRight = told.version === i + 1 || (told.version > i && this.#wasRestarted(entry));
      if (!isRight) this.#object(`its version is ${i + 1}`, entry);
      if (
        record &&
        !end &&
        told.version === record.version &&
        !isDeepStrictEqual(unused(told), unused(record))
      )
        this.#object(`it is stored as ${JSON.stringify(record)}`, entry);
    }
  }

  /** Commands of one job were applied in their order. */
  #judgeOrder({ id, versions }: Life): void {
    const entries = versions.map(({ data }) => this.#byCommandId.get(data.commandId ?? ''));
    for (const [i, entry] of entries.entries()) {
      const after = entries.slice(i + 1).find((other) => other && entry && other.order < entry.order);
      if (after && entry && after.receipt.jobId === entry.receipt.jobId)
        this.#object(`${entry.op} ${entry.receipt.commandId} overtook what stood before it in its job`, id);
    }
  }

  /** Its data are those of its creation, and the key of each update up to its version. */
  #judgeRecord(
    how: string,
    record: TokenRecord,
    { id, create, versions }: Life,
    about: Entry | string,
  ): void {
    const data: Record<string, unknown> = { ...create?.meaning.data };
    for (const { data: cause } of versions.slice(0, record.version)) {
      const key = this.#byCommandId.get(cause.commandId ?? '')?.meaning.key;
      if (key !== undefined) data[key] = true;
    }
    const { owner } = create?.meaning ?? {};
    if (record.id !== id || record.owner !== owner || !isDeepStrictEqual(record.data, data))
      this.#object(
        `${how} as ${JSON.stringify(record)}, with the data ${JSON.stringify(data)} wanted`,
        about,
      );
  }

  #judgeWhatIsLeft(): void {
    const { readable, byOwner, byScope, records, left, events } = this.#stored;
    for (const state of left) this.#object(`jobs are left: ${state}`);
    const living = [...readable.values()].map(({ app, type, owner, id, expiresAt }) =>
      [segment(app), segment(type), segment(owner), id, expiresAt].join(' '),
    );
    this.#judgeSet('the records', records, [...readable.keys()]);
    this.#judgeSet('the indexes of owners', byOwner, living);
    this.#judgeSet('the indexes of scopes', byScope, living);
    if (new Set(events.map(({ id }) => id)).size !== events.length)
      this.#object('an event id was used twice');
  }

  #judgeSet(what: string, found: readonly string[], wanted: readonly string[]): void {
    const [has, should] = [new Set(found), new Set(wanted)];
    for (const one of found)
      if (!should.has(one)) this.#object(`${what} hold ${one}, which does not live`, idIn(one));
    for (const one of wanted)
      if (!has.has(one)) this.#object(`${what} do not hold ${one}, which lives`, idIn(one));
    if (has.size !== found.length) this.#object(`${what} hold something twice`);
  }

  #wasRestarted(entry: Entry): boolean {
    return (this.#stored.jobs.get(entry.receipt.jobId)?.attempts ?? 0) > 1;
  }

  #lifeOf(event: TokenEvent): Life | undefined {
    return this.#lives
      .get(event.data.successor ?? event.subject)
      ?.find(({ versions }) => versions.includes(event));
  }
}

/** What a rotation is answered to whoever asks with the receipt alone. */
function withoutNonce(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('nonce' in value)) return value;
  const { nonce: _, ...record } = value;
  return record;
}

/** The id in a text of an index. */
const idIn = (text: string): string => text.split(' ').at(-2) ?? text;
