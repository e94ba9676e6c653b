/** A record as it is kept: each reader gets a copy, so that none can change what the next one reads. */
import { passAttributes } from '../../tokens/attributes.js';
import type { TokenRecord } from '../../tokens/types.js';

export class Entry {
  /** When it was asked for, by the monotonic clock: what Redis answered is no older. */
  readonly asked: number;
  readonly record: TokenRecord;
  /** The keys of the data whose values are objects: the others are copied with it. */
  readonly #nested: readonly string[];

  constructor(record: TokenRecord, asked: number) {
    this.record = record;
    this.asked = asked;
    this.#nested = Object.keys(record.data).filter((key) => isObject(record.data[key]));
  }

  copy(): TokenRecord {
    const { id, app, type, owner, data, version, createdAt, expiresAt } = this.record;
    const copied = { ...data };
    for (const key of this.#nested) copied[key] = copyValue(copied[key]);
    const copy: TokenRecord = { id, app, type, owner, data: copied, version, createdAt, expiresAt };
    passAttributes(this.record, copy);
    return copy;
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Of what came from JSON. A spread makes `__proto__` a key of the copy's own: assigning to it then is harmless. */
function copyValue(value: unknown): unknown {
  if (!isObject(value)) return value;
  if (Array.isArray(value)) return value.map(copyValue);
  const copied: Record<string, unknown> = { ...value };
  for (const key of Object.keys(copied)) if (isObject(copied[key])) copied[key] = copyValue(copied[key]);
  return copied;
}
