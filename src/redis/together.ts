/** Calls of scripts as the one call of include/together.lua: what those of a kind have in common is sent once. */
import type { ScriptName } from './scripts.generated.js';

type Argument = string | number;

/** A script, and what it is called with. */
export interface Call {
  script: ScriptName;
  keys: readonly string[];
  args: readonly Argument[];
}

/** Calls of one script with equally many arguments: the first of them, and at which places others differ from it. */
interface Kind {
  number: number;
  first: Call;
  keys: Differences;
  args: Differences;
}

export function together(calls: readonly Call[]): { keys: string[]; args: Argument[] } {
  const kinds: Kind[] = [];
  const kindOfCall = calls.map((call) => {
    let kind = kinds.find(
      ({ first }) => first.script === call.script && first.args.length === call.args.length,
    );
    if (!kind) {
      kind = { number: kinds.length + 1, first: call, keys: new Differences(), args: new Differences() };
      kinds.push(kind);
    }
    kind.keys.add(kind.first.keys, call.keys);
    kind.args.add(kind.first.args, call.args);
    return kind;
  });

  const keys: string[] = [];
  const args: Argument[] = [kinds.length];
  for (const { first, keys: ofKeys, args: ofArgs } of kinds) {
    args.push(first.script, first.keys.length, first.args.length, ofKeys.places.length, ofArgs.places.length);
    for (const place of ofKeys.places) args.push(place + 1); // Lua counts from 1
    for (const place of ofArgs.places) args.push(place + 1);
    for (const arg of first.args) args.push(arg); // there may be more than a call can take arguments
    keys.push(...first.keys);
  }
  for (const [i, call] of calls.entries()) {
    const kind = kindOfCall[i] as Kind;
    args.push(kind.number);
    for (const place of kind.keys.places) keys.push(call.keys[place] as string);
    for (const place of kind.args.places) args.push(call.args[place] as Argument);
  }
  return { keys, args };
}

/** Places at which some of many lists differ. */
class Differences {
  readonly places: number[] = [];
  readonly #differs: boolean[] = [];

  add(first: readonly Argument[], other: readonly Argument[]): void {
    for (let place = 0; place < first.length; place++) {
      if (this.#differs[place] || first[place] === other[place]) continue;
      this.#differs[place] = true;
      this.places.push(place);
    }
  }
}
