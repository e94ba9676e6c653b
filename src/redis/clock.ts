/** Redis' clock as this process reckons it: asked now and then, and carried on by the monotonic clock in between. */
import { performance } from 'node:perf_hooks';
import { type Clock, MICROS_PER_MS, MICROS_PER_SECOND, type Microseconds } from '../tokens/clock.js';

const ROUNDS = 5; // the quickest of several round trips tells the time best
const RESYNC = 60_000; // ms: crystals drift some microseconds a second
const SET_BACK = 5 * MICROS_PER_SECOND; // what Redis refuses as ahead of its time
const JUMP = 1_000; // ms between wall and monotonic clock: the machine slept, or its time was set

export class RedisClock implements Clock {
  readonly #ask: () => Promise<Microseconds>;
  /** Until Redis was asked, only the order of stamps counts: what this machine takes for the time may be hours off. */
  #time: Microseconds = 0;
  #monotonic = performance.now();
  #asked = this.#monotonic;
  #wallAhead = wallAhead();
  #last = 0;
  /** What a reply told last. */
  #told = 0;
  #syncing: Promise<void> | undefined;
  #synced = false;

  /** @param ask asks Redis for its time. */
  constructor(ask: () => Promise<Microseconds>) {
    this.#ask = ask;
  }

  /** Whether the next stamp may be made: Redis was asked, and the process has not slept since. */
  get isSet(): boolean {
    return this.#synced && Math.abs(wallAhead() - this.#wallAhead) < JUMP;
  }

  now(): Microseconds {
    this.#last = Math.max(this.#last + 1, this.reckoned());
    return this.#last;
  }

  reckoned(): Microseconds {
    const now = performance.now();
    // In the background: the old reckoning is good enough meanwhile. A failure is tried again a minute later.
    if (this.#synced && now - this.#asked > RESYNC) {
      this.#asked = now;
      this.sync().catch(() => {});
    }
    // What is asked for after a reply comes later than what that told of.
    return Math.max(this.#told + 1, Math.floor(this.#time + (now - this.#monotonic) * MICROS_PER_MS));
  }

  /** Every later stamp is later than a time that a reply told. One that is far off the reckoning makes it void. */
  told(time: Microseconds): void {
    if (time > this.#last) this.#last = time;
    if (time > this.#told) this.#told = time;
    const reckoned = this.#time + (performance.now() - this.#monotonic) * MICROS_PER_MS;
    if (time - reckoned > JUMP * MICROS_PER_MS || reckoned - time > SET_BACK) this.unset();
  }

  /** Asks Redis for its time. */
  sync(): Promise<void> {
    this.#syncing ??= this.#measure().finally(() => {
      this.#syncing = undefined;
    });
    return this.#syncing;
  }

  /** To be asked again before the next stamp, of what may be another server. */
  unset(): void {
    this.#synced = false;
  }

  async #measure(): Promise<void> {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) {
      const sent = performance.now();
      const before = performance.eventLoopUtilization();
      const time = await this.#ask();
      const trip = performance.now() - sent;
      if (trip >= best) continue;
      best = trip;
      // The way back took half of the time that was waited for. A process that is busy has the answer lying there.
      const { idle } = performance.eventLoopUtilization(before);
      this.#restart(time + (trip - Math.min(idle, trip) / 2) * MICROS_PER_MS);
    }
    // Set back, or another server that is behind: order across that is lost, but commands are not refused for it.
    if (this.#last - this.#time > SET_BACK) this.#last = this.#time;
    if (this.#told - this.#time > SET_BACK) this.#told = this.#time;
    this.#synced = true;
  }

  #restart(time: Microseconds): void {
    this.#time = time;
    this.#monotonic = performance.now();
    this.#asked = this.#monotonic;
    this.#wallAhead = wallAhead();
  }
}

const wallAhead = (): number => Date.now() - performance.now();

/** Microseconds of the two numbers that `TIME` answers. */
export const fromTime = ([seconds, micros]: readonly (string | number)[]): Microseconds =>
  Number(seconds) * MICROS_PER_SECOND + Number(micros);
