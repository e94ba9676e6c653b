/** Calls of scripts as the one call of include/together.lua: what those of a kind have in common is sent once. */
import type { ScriptName } from './scripts.generated.js';

type Argument = string | number;

/** A script, and what it is called with. */
export interface Call {
  script: ScriptName;
  keys: readonly string[];
  args: readonly Argument[];
}

/** Calls of one script with equally many arguments: how the first is made, and where the others differ. */
interface Kind {
  place: number;
  first: Call;
  keys: Set<number>;
  args: Set<number>;
}

export function together(calls: readonly Call[]): { keys: string[]; args: Argument[] } {
  const kinds = new Map<string, Kind>();
  const kindOf = new Map<Call, Kind>();
  for (const call of calls) {
    const name = `${call.script} ${call.args.length}`;
    let kind = kinds.get(name);
    if (!kind) {
      kind = { place: kinds.size + 1, first: call, keys: new Set(), args: new Set() };
      kinds.set(name, kind);
    }
    addDifferences(kind.keys, kind.first.keys, call.keys);
    addDifferences(kind.args, kind.first.args, call.args);
    kindOf.set(call, kind);
  }

  const keys: string[] = [];
  const args: Argument[] = [kinds.size];
  for (const { first, keys: otherKeys, args: otherArgs } of kinds.values()) {
    args.push(first.script, first.keys.length, first.args.length, otherKeys.size, otherArgs.size);
    for (const place of otherKeys) args.push(place + 1); // Lua counts from 1
    for (const place of otherArgs) args.push(place + 1);
    for (const arg of first.args) args.push(arg); // there may be more than a call can take arguments
    keys.push(...first.keys);
  }
  for (const [call, kind] of kindOf) {
    args.push(kind.place);
    for (const place of kind.keys) keys.push(call.keys[place] as string);
    for (const place of kind.args) args.push(call.args[place] as Argument);
  }
  return { keys, args };
}

function addDifferences(places: Set<number>, a: readonly Argument[], b: readonly Argument[]): void {
  for (let place = 0; place < a.length; place++) {
    if (a[place] !== b[place]) places.add(place);
  }
}
