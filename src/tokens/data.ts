/** What may be stored as a token's data: whatever comes back from JSON equal to what went in. */

const MAX_DEPTH = 500;

/** A place in the data and what is wrong there. */
export interface DataProblem {
  path: string;
  problem: string;
}

/** The first value that would not come back equal, or `undefined` where all would. */
export function dataProblem(data: unknown): DataProblem | undefined {
  if (typeof data !== 'object' || data === null || Array.isArray(data) || !isPlain(data)) {
    return { path: '', problem: `must be a plain object, got ${kindOf(data)}` };
  }
  return objectProblem(data, '', []);
}

/** Bytes of the data as JSON text. */
export function dataBytes(data: object): number {
  return Buffer.byteLength(JSON.stringify(data));
}

/** The data as it would be read back: keys that are `undefined` are left out. */
export function copyData<D extends object>(data: D): D {
  return JSON.parse(JSON.stringify(data)) as D;
}

/** The JSON text of each value, by key, in order; keys that are `undefined` are left out. */
export function encodeEntries(data: object): [key: string, json: string][] {
  const entries: [string, string][] = [];
  for (const [key, value] of Object.entries(data)) {
    if (value !== undefined) entries.push([key, JSON.stringify(value)]);
  }
  return entries;
}

/** The data of encoded entries: key, JSON text, key, JSON text, … from a place on. */
export function decodeEntries(entries: readonly unknown[], from = 0): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (let i = from; i < entries.length; i += 2) {
    const key = entries[i] as string;
    const value = decodeValue(entries[i + 1] as string);
    if (key === '__proto__') Object.defineProperty(data, key, { value, ...ORDINARY });
    else data[key] = value;
  }
  return data;
}

/** How a property is that was assigned: where assigning would touch the prototype. */
const ORDINARY = { configurable: true, enumerable: true, writable: true };

/** What JSON.parse makes of a text that JSON.stringify made: the plain ones without its help. */
function decodeValue(json: string): unknown {
  switch (json.charCodeAt(0)) {
    case 0x22: // "
      return json.includes('\\') ? JSON.parse(json) : json.slice(1, -1);
    case 0x5b: // [
    case 0x7b: // {
      return JSON.parse(json);
    case 0x74: // t
      return true;
    case 0x66: // f
      return false;
    case 0x6e: // n
      return null;
    default:
      return numberIn(json);
  }
}

/** @throws {SyntaxError} for what is no number. */
function numberIn(json: string): number {
  const number = Number(json);
  if (json === '' || !Number.isFinite(number)) throw new SyntaxError('no JSON');
  return number;
}

function valueProblem(value: unknown, path: string, above: object[]): DataProblem | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : { path, problem: `is ${value}` };
    case 'object':
      break;
    default:
      return { path, problem: `is ${kindOf(value)}` };
  }
  if (value === null) return undefined;
  if (above.includes(value)) return { path, problem: 'is a cycle' };
  if (above.length === MAX_DEPTH)
    return { path: '', problem: `is nested more than ${MAX_DEPTH} levels deep` };
  if (Array.isArray(value)) return arrayProblem(value, path, above);
  return isPlain(value) ? objectProblem(value, path, above) : { path, problem: `is ${kindOf(value)}` };
}

function arrayProblem(array: unknown[], path: string, above: object[]): DataProblem | undefined {
  if (Object.keys(array).length !== array.length) return { path, problem: 'is an array with holes or names' };
  above.push(array);
  for (let i = 0; i < array.length; i++) {
    const problem = valueProblem(array[i], `${path}[${i}]`, above);
    if (problem) return problem;
  }
  above.pop();
  return undefined;
}

function objectProblem(object: object, path: string, above: object[]): DataProblem | undefined {
  if (Object.getOwnPropertySymbols(object).length > 0) return { path, problem: 'has a symbol as a key' };
  above.push(object);
  for (const [key, value] of Object.entries(object)) {
    const place = `${path}.${key}`;
    if (!key.isWellFormed()) return { path, problem: 'has a key that is not well-formed Unicode' };
    const problem = value === undefined ? undefined : valueProblem(value, place, above);
    if (problem) return problem;
  }
  above.pop();
  return undefined;
}

/** A root prototype, or none: also that of another realm, as in a test runner's sandbox. */
function isPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What a value is, in words and without its content. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== 'Object' ? `a ${name}` : 'an object';
}
