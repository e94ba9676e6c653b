// Calls of ours in a process of its own, which tells how many it made and what processor time they took it.
import { perSecond, times } from '../load.js';
import { APP, DURATION, data, ownerOf, TYPE } from '../payload.js';
import { ours } from '../peers/ours.js';
import { answer, cpuTime } from './child.js';

const [url = '', name = String(process.pid)] = process.argv.slice(2);
const IN_FLIGHT = 64;
const SCOPE = { app: APP, type: TYPE };
const subject = ours(url);
let tokens: string[] = [];
let made = 0;

const create = () => subject.create(`${name}-${ownerOf(made++)}`);

const CALLS: Record<string, (index: number) => Promise<unknown>> = {
  get: (index) => subject.get(tokens[index % tokens.length] as string),
  create,
  refresh: (index) =>
    subject.tokens.refresh({ ...SCOPE, token: tokens[index % tokens.length] as string, duration: DURATION }),
  update: (index) =>
    subject.tokens.update({ ...SCOPE, token: tokens[index % tokens.length] as string, data }),
};

/** What came of some calls. */
export interface Called {
  perSecond: number;
  calls: number;
  /** Microseconds of this process. */
  cpu: number;
}

answer({
  /** Makes tokens that `get` asks for. */
  prepare: async (count: number) => {
    tokens = await times(count, IN_FLIGHT, create);
  },
  tokens: () => tokens,
  forget: () => {
    tokens = [];
  },
  /** Makes so many tokens more, and keeps none. */
  fill: async (count: number) => {
    const before = cpuTime();
    const lanes = Array.from({ length: 8 * IN_FLIGHT }, async (_, lane) => {
      for (let index = lane; index < count; index += 8 * IN_FLIGHT) await create();
    });
    await Promise.all(lanes);
    return cpuTime() - before;
  },
  call: async ({
    what,
    milliseconds,
    inFlight = IN_FLIGHT,
  }: {
    what: string;
    milliseconds: number;
    inFlight?: number;
  }) => {
    let calls = 0;
    const before = cpuTime();
    const call = CALLS[what] as (index: number) => Promise<unknown>;
    const rate = await perSecond(
      inFlight,
      milliseconds,
      (index) => {
        calls += 1;
        return call(index);
      },
      (found) => found !== undefined,
    );
    return { perSecond: rate, calls, cpu: cpuTime() - before } satisfies Called;
  },
});
