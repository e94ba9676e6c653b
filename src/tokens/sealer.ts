/** Turns a caller's input into a command: checks it, and puts the id in place of the secret. */
import type { Clock } from './clock.js';
import { buildCommand, type CommandFields, type Commands, isChange, isOperation } from './commands.js';
import { copyData, kindOf } from './data.js';
import { ConfigError, type FieldProblem, ValidationError } from './errors.js';
import { nameProblem, secretProblem } from './fields.js';
import { ownerShard, shardOf, tokenId } from './identity.js';
import type { Operation, Operations } from './operations.js';
import { isTokenPrefix } from './options.js';
import type { SealingKey } from './pepper.js';
import { generateToken, isGenerated, newNonce, successorOf } from './secret.js';
import { checkCommand } from './validation.js';

/** What of a door's options decides about ids. */
export interface SealOptions {
  tokenPrefix: string;
  peppers: readonly SealingKey[];
  shards: number;
  maxDataBytes: number;
}

/** A command, and what only the caller's process may know. */
export interface Sealed<O extends Operation> {
  command: Commands[O];
  /** The secret, for operations on one token; the generated one for a create without `customToken`. */
  token: string | undefined;
  /** False where the presented text can not be a live token: the answer needs no round trip. */
  possible: boolean;
  /** Of a rotation: the successor's secret by the nonce that took effect. */
  successor?: (nonce: string) => string;
}

/** Any input, as it may come from untyped code. `tokenPrefix` is a scope's own. */
type RawInput = Record<string, unknown>;

/** What an input may hold: the fields of inputs, and those of a token, which may be passed as it is. */
const INPUT_FIELDS = new Set([
  ...['app', 'type', 'owner', 'data', 'duration', 'customToken', 'token', 'limit', 'after', 'tokenPrefix'],
  ...['hint', 'label', 'idle', 'touch', 'ifVersion', 'cursor', 'except', 'reason', 'by', 'grace', 'client'],
  ...['id', 'version', 'createdAt', 'expiresAt', 'lastUsedAt', 'absoluteExpiresAt'],
]);

/** What is asked about one token, by whoever presents it. */
export const PRESENTING: ReadonlySet<Operation> = new Set<Operation>([
  'get',
  'update',
  'refresh',
  'rotate',
  'delete',
  'consume',
]);

/** What must not pass unseen: a narrower revocation that was meant, another page than the first. */
const MISTAKEN: { [O in Operation]?: readonly string[] } = {
  list: ['cursor'],
  owners: ['after'],
  deleteScope: ['owner', 'id', 'token', 'except', 'customToken'],
  deleteApp: ['type', 'owner', 'id', 'token', 'except', 'customToken'],
};

/** The id of no token: it stands in for others while the other fields are checked. */
const NO_ID = '-'.repeat(22);

export class Sealer {
  readonly #options: SealOptions;
  readonly #clock: Clock;

  constructor(options: SealOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * @param found problems that the door has found already.
   * @throws {ValidationError} naming every wrong field.
   */
  seal<O extends Operation>(
    op: O,
    input: Operations[O]['input'],
    found: readonly FieldProblem[] = [],
  ): Sealed<O> {
    if (!isOperation(op))
      throw new ValidationError('command', [{ field: 'operation', problem: 'is no operation' }]);
    const given = (typeof input === 'object' && input !== null ? input : {}) as unknown as RawInput;
    const { tokenPrefix } = given;
    const isOwn = tokenPrefix === undefined; // the door's, which was checked when it was opened
    const noPrefix = isOwn ? undefined : isTokenPrefix(tokenPrefix);
    const prefix = isOwn || noPrefix ? this.#options.tokenPrefix : (tokenPrefix as string);
    const custom = op === 'create' && given.customToken !== undefined;
    const presented = PRESENTING.has(op);
    const problems = found.length > 0 ? [...found] : [];
    for (const field of Object.keys(given)) {
      if (!INPUT_FIELDS.has(field) || MISTAKEN[op]?.includes(field))
        problems.push({ field, problem: `is no field of ${op}` });
    }
    addProblem(problems, 'tokenPrefix', noPrefix && `must be ${noPrefix}`);
    if (op === 'create') {
      if (custom) addProblem(problems, 'customToken', customProblem(given.customToken, prefix));
      addProblem(problems, 'hint', hintProblem(given));
      if (custom && given.limit !== undefined && this.#options.shards > 1)
        problems.push({
          field: 'limit',
          problem: 'does not go with a customToken where shards are more than 1',
        });
    }
    if (presented && given.client !== undefined) addProblem(problems, 'client', nameProblem(given.client));
    if (presented && typeof given.token !== 'string') {
      problems.push({
        field: 'token',
        problem: given.token === undefined ? 'is missing' : notText(given.token),
      });
    }

    const command = buildCommand(op, given as CommandFields<O>);
    command.issuedAt = isChange(command) ? this.#clock.now() : this.#clock.reckoned();
    const bySecret = op === 'create' || presented;
    if (bySecret) (command as Commands['get']).id = NO_ID;
    if (op === 'rotate') forgetSuccessor(command as Commands['rotate']);
    if (op === 'deleteAll') this.#sealException(command as Commands['deleteAll'], given, prefix, problems);
    if (op === 'create') {
      const create = command as Commands['create'];
      create.custom = custom;
      create.hint = undefined; // it comes from the secret
      if (create.data === undefined) create.data = {};
    }
    checkCommand(command, this.#options.maxDataBytes, problems);
    // Copies: the caller may change the objects while the command waits.
    if ('data' in command) command.data = copyData(command.data);
    if (!bySecret) return { command, token: undefined, possible: true };
    if (op === 'create') {
      const token = this.#sealCreate(command as Commands['create'], given, prefix);
      return { command, token, possible: true };
    }
    const sealed = command as Commands['get'];
    const token = given.token as string;
    sealed.id = this.#id(sealed.app, sealed.type, token);
    sealed.formerIds = this.#formerIds(sealed.app, sealed.type, token);
    if (op === 'rotate') return this.#sealRotation(command as Commands['rotate'], token, prefix) as Sealed<O>;
    return { command, token, possible: isPossible(token, prefix) };
  }

  /** The id of a presented token. @throws {ValidationError} */
  idOf(input: Operations['delete']['input']): string {
    return this.seal('get', input).command.id;
  }

  /** Answers the secret. */
  #sealCreate(command: Commands['create'], { customToken, hint }: RawInput, prefix: string): string {
    const { app, type, limit, custom } = command;
    if (limit) command.limit = { max: limit.max, overflow: limit.overflow ?? 'reject' }; // a copy, too
    const { token, id } = custom
      ? { token: customToken as string, id: this.#id(app, type, customToken as string) }
      : this.#generate(command, prefix);
    command.id = id;
    if (custom) command.formerIds = this.#formerIds(app, type, token); // it may be there under one of them
    if (hint === true) command.hint = hintOf(token, token.startsWith(prefix) ? prefix : '');
    return token;
  }

  /** A text that can not be alive excepts nothing. */
  #sealException(
    command: Commands['deleteAll'],
    { app, type, except }: RawInput,
    prefix: string,
    problems: FieldProblem[],
  ): void {
    command.except = undefined;
    if (except === undefined) return;
    if (typeof except !== 'string') problems.push({ field: 'except', problem: notText(except) });
    else if (typeof app === 'string' && typeof type === 'string' && isPossible(except, prefix)) {
      command.except = this.#id(app, type, except);
      command.formerIds = this.#formerIds(app, type, except);
    }
  }

  /** Draws until the successor falls into the token's shard, so that one script sees both. */
  #sealRotation(command: Commands['rotate'], token: string, prefix: string): Sealed<'rotate'> {
    const { shards } = this.#options;
    const shard = shardOf(command.id, shards);
    const successor = (nonce: string) => successorOf(token, nonce, prefix);
    if (!isGenerated(token, prefix)) {
      // A secret that somebody has thought up could be searched for, from the nonce and the successor's id. Where the
      // command is sent all the same, it is for no token.
      command.id = NO_ID;
      command.formerIds = undefined;
      return { command, token, possible: false, successor };
    }
    for (;;) {
      const nonce = newNonce();
      const next = successor(nonce);
      const id = this.#id(command.app, command.type, next);
      if (shardOf(id, shards) !== shard) continue;
      command.nonce = nonce;
      command.successor = id;
      command.hint = hintOf(next, prefix);
      return {
        command,
        token,
        possible: true,
        successor: (other) => (other === nonce ? next : successor(other)),
      };
    }
  }

  /** The id under the key that seals. @throws {ConfigError} where this door knows none. */
  #id(app: string, type: string, token: string): string {
    const [newest] = this.#options.peppers;
    if (!newest) throw new ConfigError('a door whose option "pepper" is false takes and makes no token');
    return tokenId(app, type, hashable(token), newest.key);
  }

  /** Under which other ids the token may lie; nothing where there is one key. */
  #formerIds(app: string, type: string, token: string): string[] | undefined {
    const { peppers } = this.#options;
    if (peppers.length < 2) return undefined;
    const text = hashable(token);
    return peppers.slice(1).map(({ key }) => tokenId(app, type, text, key));
  }

  /** Draws until the token falls into its owner's shard, so that everything of an owner lies in one. */
  #generate({ app, type, owner }: Commands['create'], prefix: string): { token: string; id: string } {
    const { shards } = this.#options;
    const shard = ownerShard(app, type, owner, shards);
    for (;;) {
      const token = generateToken(prefix);
      const id = this.#id(app, type, token);
      if (shardOf(id, shards) === shard) return { token, id };
    }
  }
}

/** A text with lone surrogates hashes like another with U+FFFD in their place; no secret starts with NUL. */
const hashable = (token: string): string => (token.isWellFormed() ? token : `\0${JSON.stringify(token)}`);

/** These come from the secret. Until they are there, they must not stand in the way of the other fields' checks. */
function forgetSuccessor(command: Commands['rotate']): void {
  command.successor = NO_ID;
  command.nonce = NO_ID;
  command.hint = undefined;
}

function addProblem(problems: FieldProblem[], field: string, problem: string | undefined): void {
  if (problem !== undefined) problems.push({ field, problem });
}

function customProblem(token: unknown, prefix: string): string | undefined {
  const problem = secretProblem(token);
  if (problem !== undefined) return problem;
  return (token as string).startsWith(prefix) && !isGenerated(token as string, prefix)
    ? `must be a well-formed generated token where it starts with ${JSON.stringify(prefix)}`
    : undefined;
}

/** A short secret would be told by a quarter or more. */
const HINTED_LENGTH = 16;

/** Whether a secret may be hinted at. A record that is passed as it is has its hint as text. */
function hintProblem({ hint, customToken }: RawInput): string | undefined {
  if (hint === undefined || hint === false) return undefined;
  if (hint !== true) return `must be a boolean, got ${kindOf(hint)}`;
  return typeof customToken === 'string' && [...customToken].length < HINTED_LENGTH
    ? `is for secrets of at least ${HINTED_LENGTH} characters`
    : undefined;
}

/** What its user knows a secret by, and nobody can guess it from. */
const hintOf = (token: string, prefix: string): string => `${prefix}…${[...token].slice(-4).join('')}`;

/** Whether a presented text can be a live token of this door: what it could not have created, it need not look up. */
function isPossible(token: string, prefix: string): boolean {
  return token.startsWith(prefix) ? isGenerated(token, prefix) : secretProblem(token) === undefined;
}

const notText = (value: unknown): string => `must be a string, got ${kindOf(value)}`;
