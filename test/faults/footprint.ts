// What a process holds: to see that whoever has closed everything holds what it held before.
import type { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';

export class Footprint {
  readonly #redis: Redis;
  readonly #emitters: readonly EventEmitter[];
  readonly #before: Map<string, number>;

  private constructor(redis: Redis, emitters: readonly EventEmitter[], before: Map<string, number>) {
    this.#redis = redis;
    this.#emitters = emitters;
    this.#before = before;
  }

  /** As of now. @param redis sees who is connected. @param emitters whose listeners count, besides those of the process. */
  static async take(redis: Redis, ...emitters: EventEmitter[]): Promise<Footprint> {
    return new Footprint(redis, emitters, await measure(redis, emitters));
  }

  /** Resolves when nothing is held that was not held before. */
  async isBack(timeout = 10_000): Promise<void> {
    let grown: string[] = [];
    const look = async () => {
      const now = await measure(this.#redis, this.#emitters);
      grown = [...now].flatMap(([what, count]) => {
        const before = this.#before.get(what) ?? 0;
        return count > before ? [`${what}: ${before} → ${count}`] : [];
      });
      return grown.length === 0;
    };
    await eventually('nothing is left behind', look, timeout).catch(() => {
      throw new Error(`left behind: ${grown.join(', ')}`);
    });
  }
}

async function measure(redis: Redis, emitters: readonly EventEmitter[]): Promise<Map<string, number>> {
  const held = new Map<string, number>();
  const count = (what: string, by = 1) => held.set(what, (held.get(what) ?? 0) + by);
  // Names tell one connection from another; their ids tell a new one of the same name.
  for (const line of String(await redis.client('LIST')).split('\n')) if (line) count('connections');
  for (const resource of process.getActiveResourcesInfo()) count(resource);
  for (const [i, emitter] of [process as EventEmitter, ...emitters].entries()) {
    for (const name of emitter.eventNames()) {
      count(
        `listeners of ${i === 0 ? 'the process' : `emitter ${i}`} for ${String(name)}`,
        emitter.listenerCount(name),
      );
    }
  }
  return held;
}
