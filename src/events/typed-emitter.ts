/** An EventEmitter with a closed map of events: a misspelt name is a type error. */
import { EventEmitter } from 'node:events';

/** Arguments of the listeners, by event name. */
type EventMap<E> = Record<keyof E, unknown[]>;

type Listener<A extends unknown[]> = (...args: A) => unknown;

/** EventEmitter's methods, for these names alone. Listeners may be async. */
export interface TypedEmitter<E extends EventMap<E>> {
  on<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  once<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  off<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  addListener<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  removeListener<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  prependListener<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  prependOnceListener<N extends keyof E>(name: N, listener: Listener<E[N]>): this;
  removeAllListeners(name?: keyof E): this;
  listeners(name: keyof E): ((...args: unknown[]) => unknown)[];
  rawListeners(name: keyof E): ((...args: unknown[]) => unknown)[];
  listenerCount(name: keyof E): number;
  emit<N extends keyof E>(name: N, ...args: E[N]): boolean;
  eventNames(): (string | symbol)[];
  setMaxListeners(count: number): this;
  getMaxListeners(): number;
}

/** The class to extend, for a map of events. */
export const typedEmitter = <E extends EventMap<E>>() => EventEmitter as unknown as new () => TypedEmitter<E>;
