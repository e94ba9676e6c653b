// Root hooks of every mocha run: they tell which test left a connection open, and stop the shared Redis at the end.
import { AGAIN } from './chance.js';
import { closeObserver, leakedConnections, openConnections } from './connection-leaks.js';
import { sharedRedisIfStarted } from './redis.js';

/** Open before the test began, by a `before` hook of its suite: not the test's to close. */
let known = new Map<string, string>();
const leaks: string[] = [];
let hasFailed = false;

/** How long after the last test something may still keep the process alive, in ms. */
const GRACE = 5_000;

export const mochaHooks = {
  async beforeEach() {
    known = await openConnections();
  },

  async afterEach(this: Mocha.Context) {
    hasFailed ||= this.currentTest?.isFailed() === true;
    for (const connection of (await leakedConnections(known)).values()) {
      // Told at the end: an error thrown here would make mocha skip all tests that are left.
      leaks.push(`${this.currentTest?.fullTitle()}: ${connection}`);
    }
  },

  async afterAll() {
    // What a suite opened in `before` must be closed by now as well.
    const left = leaks.length > 0 ? new Map<string, string>() : await leakedConnections(new Map());
    for (const connection of left.values()) leaks.push(`some suite: ${connection}`);
    closeObserver();
    if (hasFailed) console.error(`  To make the same random choices again: ${AGAIN}`);
    endInTime();
    await (await sharedRedisIfStarted()?.catch(() => undefined))?.stop();
    if (leaks.length > 0) {
      throw new Error(`connections to Redis were left open by\n  ${leaks.join('\n  ')}`);
    }
  },
};

/** Fails the run where a test left something running, instead of letting it hang. */
function endInTime(): void {
  const timer = setTimeout(() => {
    console.error(`The tests are over, but these still run: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, GRACE);
  timer.unref();
}
