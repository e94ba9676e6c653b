/** An EventEmitter with a closed map of events: a misspelt name is a type error. */
import { EventEmitter } from 'node:events';

/** Arguments of the listeners, by event name. */
type EventMap<E> = Record<keyof E, unknown[]>;

/** What hears of an event: it may be async. */
export type Listener<A extends unknown[]> = (...args: A) => unknown;

/** EventEmitter's methods, for these names alone. Listeners may be async. */
export interface TypedEmitter<E extends EventMap<E>> {
  /** Has a listener hear of each one. */
  on<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  /** Has a listener hear of the next one alone. */
  once<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  /** Ends what `on` began. */
  off<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  /** As `on`. */
  addListener<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  /** As `off`. */
  removeListener<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  /** As `on`, before those that are there. */
  prependListener<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  /** As `once`, before those that are there. */
  prependOnceListener<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  /** Of this name, or of every one. */
  removeAllListeners(name?: keyof E): this;
  /** A copy of those that are there. */
  listeners(name: keyof E): ((...args: unknown[]) => unknown)[];
  /** As `listeners`, those of `once` in their wrappers. */
  rawListeners(name: keyof E): ((...args: unknown[]) => unknown)[];
  /** How many there are. */
  listenerCount(name: keyof E): number;
  /** Tells the listeners; answers whether there are any. */
  emit<N extends keyof E>(name: N, ...args: E[N]): boolean;
  /** Those that somebody listens to. */
  eventNames(): (string | symbol)[];
  /** From how many listeners on Node prints a warning. Default 10. */
  setMaxListeners(count: number): this;
  /** What `setMaxListeners` has set. */
  getMaxListeners(): number;
}

/** The class to extend, for a map of events. */
export const typedEmitter = <E extends EventMap<E>>() => EventEmitter as unknown as new () => TypedEmitter<E>;
