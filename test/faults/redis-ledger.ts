// Changes in flight while the way to Redis and the server itself fail at random, and an account of what was told of each.
import { setTimeout as wait } from 'node:timers/promises';
import { assert } from 'chai';
import { generateToken, type RedisTokens, StoreUnavailableError, TokenError } from '../../src/index.js';
import type { Chance } from '../support/chance.js';
import { eventually } from '../support/eventually.js';
import { freshPrefix } from '../support/redis.js';
import { serverTime } from '../support/time-travel.js';
import { audit } from './redis-audit.js';
import type { Patient } from './redis-patient.js';

const SCOPE = { app: 'shop', type: 'session' };
const TIMEOUT = 200;
const MARGIN = 100;
const DOORS = 3;
const CALLS = 40;
/** Milliseconds over which a round's calls begin. */
const SPAN = 60;

type Change = 'create' | 'update' | 'refresh' | 'rotate' | 'delete';
type Told = 'done' | 'nothing to do' | 'none' | 'unknown';

interface Entry {
  change: Change;
  id: string;
  /** The key that an update sets: no other does. */
  key: string;
  told: Told;
}

export class Ledger {
  readonly #patient: Patient;
  readonly #chance: Chance;
  readonly #prefix = freshPrefix();
  readonly #doors: RedisTokens[];
  readonly #entries: Entry[] = [];
  /** Secrets that were given to a create. */
  readonly #secrets: string[] = [];

  constructor(patient: Patient, chance: Chance) {
    this.#patient = patient;
    this.#chance = chance;
    this.#doors = Array.from({ length: DOORS }, () => patient.open(patient.way.url, this.#prefix, TIMEOUT));
  }

  /** How often each thing was told: a run in which one never was proves nothing of it. */
  counts(): Record<Told, number> {
    const counts = { done: 0, 'nothing to do': 0, none: 0, unknown: 0 };
    for (const { told } of this.#entries) counts[told]++;
    return counts;
  }

  /**
   * One round of calls and faults; then the account is made.
   * @param crash the server is killed and started again, in place of the other faults.
   */
  async round(crash = false): Promise<void> {
    for (const door of this.#doors) {
      const isReady = () =>
        door.ready().then(
          () => true,
          () => false,
        );
      await eventually('all is well', isReady);
    }
    const calls = Array.from({ length: CALLS }, () => this.#callLater());
    await (crash ? this.#crash() : this.#trouble());
    await Promise.all(calls);
    await this.#patient.nurse.ping();
    const now = await serverTime(this.#patient.nurse);
    const isOver = async () => (await serverTime(this.#patient.nurse)) > now + TIMEOUT + MARGIN;
    await eventually('every deadline has passed', isOver);
    await this.check();
  }

  async check(): Promise<void> {
    const { count, live } = await audit(this.#patient.nurse, this.#prefix);
    const accounts = new Map<string, Entry[]>();
    for (const entry of this.#entries) {
      const key = `${entry.id} ${entry.change}`;
      accounts.set(key, [...(accounts.get(key) ?? []), entry]);
    }
    for (const [what, entries] of accounts) {
      const { id, change } = entries[0] as Entry;
      const number = (told: Told) => entries.filter((entry) => entry.told === told).length;
      const applied = count(id, change);
      assert.isAtLeast(applied, number('done'), `${what}: all that was answered is applied`);
      assert.isAtMost(applied, number('done') + number('unknown'), `${what}: nothing else is applied`);
    }
    for (const id of live.keys()) {
      const record = await this.#patient.nurse.get(`{${this.#prefix}:0}:t:${id}`);
      for (const { key, told, change } of this.#entries.filter((entry) => entry.id === id)) {
        if (change !== 'update' || told === 'unknown') continue;
        assert.equal(record?.includes(`"${key}"`), told === 'done', `${key} of ${id}, told ${told}`);
      }
    }
  }

  async #callLater(): Promise<void> {
    const door = this.#chance.pick(this.#doors);
    const change = this.#chance.pick(['create', 'update', 'update', 'refresh', 'rotate', 'delete'] as const);
    const isNew = change === 'create' || this.#secrets.length === 0;
    const key = `k${this.#entries.length}-${this.#chance.int(0, 1e9)}`;
    const token = isNew ? generateToken() : this.#chance.pick(this.#secrets.slice(-20));
    if (isNew) this.#secrets.push(token);
    const entry: Entry = {
      change: isNew ? 'create' : change,
      id: door.idOf({ ...SCOPE, token }),
      key,
      told: 'unknown',
    };
    this.#entries.push(entry);
    await wait(this.#chance.int(0, SPAN));
    try {
      const value = await this.#call(door, entry, token);
      entry.told = value ? 'done' : 'nothing to do';
    } catch (error) {
      assert.instanceOf(error, TokenError);
      // Its secret is its own: what refuses it otherwise has applied nothing.
      entry.told = error instanceof StoreUnavailableError ? error.outcome : 'nothing to do';
    }
  }

  #call(door: RedisTokens, { change, key }: Entry, token: string): Promise<unknown> {
    const secret = { ...SCOPE, token };
    switch (change) {
      case 'create':
        return door.create({ ...SCOPE, owner: `owner-${key}`, duration: 3_600, customToken: token });
      case 'update':
        return door.update({ ...secret, data: { [key]: 1 } });
      case 'refresh':
        return door.refresh({ ...secret, duration: 7_200 });
      case 'rotate':
        return door.rotate(secret);
      case 'delete':
        return door.delete(secret);
    }
  }

  async #crash(): Promise<void> {
    await wait(this.#chance.int(5, SPAN));
    this.#patient.server.kill('SIGKILL');
    await this.#patient.server.exited;
    await this.#patient.restart();
  }

  /** Some faults, one after the other, over when this resolves. */
  async #trouble(): Promise<void> {
    const { way, server, nurse } = this.#patient;
    for (let i = this.#chance.int(1, 3); i > 0; i--) {
      await wait(this.#chance.int(0, SPAN / 2));
      const length = this.#chance.int(0, 1.5 * TIMEOUT);
      const kind = this.#chance.pick([
        'cut',
        'deaf',
        'strand',
        'slow',
        'half',
        'hang',
        'pause',
        'flush',
        'kill',
      ]);
      if (kind === 'cut') way.cut();
      else if (kind === 'strand') way.strand();
      else if (kind === 'flush') await nurse.script('FLUSH');
      else if (kind === 'kill') await nurse.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      else if (kind === 'deaf') {
        way.deafen();
        await wait(length / 4);
        way.cut();
      } else if (kind === 'slow') {
        way.delay = length;
        await wait(length);
        way.delay = 0;
      } else if (kind === 'half') {
        way.cutsAnswers = true;
        await wait(length / 4);
        way.cutsAnswers = false;
      } else if (kind === 'hang') {
        server.kill('SIGSTOP');
        await wait(length);
        server.kill('SIGCONT');
      } else {
        await nurse.call('CLIENT', 'PAUSE', String(length), this.#chance.pick(['ALL', 'WRITE']));
      }
    }
  }
}
