// What can be read from, whoever it is.

export interface Subject {
  readonly name: string;
  /** The database that its tokens are in. */
  readonly database: number;
  /** Makes a token with the data, and resolves to what it is read by. */
  create(owner: string): Promise<string>;
  /** As its users call it: nothing is between them and it. */
  get(token: string): Promise<unknown>;
  /** The data in an answer. */
  dataIn(answer: unknown): unknown;
  /** How it is filled faster than by its own create; we are not, since what create writes is ours to change. */
  readonly cloning?: Cloning;
  close(): Promise<void>;
}

export interface Cloning {
  /** Lua that makes the clones ARGV[1] to ARGV[2] of the token ARGV[3], each under a name of the same length. */
  readonly script: string;
  /** What the clone of that number is read by. */
  tokenOf(original: string, index: number): string;
}

/** The number of a clone, as the end of its name. */
export const numbered = (original: string, index: number): string => {
  const digits = String(index).padStart(7, '0');
  return original.slice(0, -digits.length) + digits;
};
