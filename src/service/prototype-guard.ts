/** node-config merges what stands under a key `__proto__` into the prototype of all objects: that is undone, and told. */

type Descriptors = Record<string, PropertyDescriptor>;

/**
 * Does something that may change the prototype of all objects, synchronously, and puts that back as it was.
 * @returns what was answered; whether anything had been changed; and what was thrown.
 */
export function guarded<T>(work: () => T): { answer?: T; error?: unknown; wasChanged: boolean } {
  const before: Descriptors = Object.getOwnPropertyDescriptors(Object.prototype);
  let outcome: { answer: T } | { error: unknown };
  try {
    outcome = { answer: work() };
  } catch (error) {
    outcome = { error };
  }
  return { ...outcome, wasChanged: restored(before) };
}

function restored(before: Descriptors): boolean {
  let wasChanged = false;
  for (const name of Object.getOwnPropertyNames(Object.prototype)) {
    const is = Object.getOwnPropertyDescriptor(Object.prototype, name);
    const was = Object.hasOwn(before, name) ? before[name] : undefined;
    if (was && is?.value === was.value && is?.get === was.get && is?.set === was.set) continue;
    wasChanged = true;
    delete (Object.prototype as Record<string, unknown>)[name];
    if (was) Object.defineProperty(Object.prototype, name, was);
  }
  return wasChanged;
}
