/** The one place where input is checked, whichever door it came through. */
import { getMetadataStorage, type ValidatorConstraintInterface, validateSync } from 'class-validator';
import type { Command } from './commands.js';
import { dataBytes } from './data.js';
import { type FieldProblem, ValidationError } from './errors.js';

/** Bytes of data, serialised, that a token may hold by default. */
export const DEFAULT_MAX_DATA_BYTES = 65_536;

/**
 * Throws a `ValidationError` that names every wrong field of a command.
 * @param found problems that the sender's side has found already: those of fields which sealing replaces.
 */
export function checkCommand(
  command: Command,
  maxDataBytes: number,
  found: readonly FieldProblem[] = [],
): void {
  const problems = [...found, ...(isRight(command) ? [] : problemsOf(command))];
  if (problems.length === 0 && !areOfOneToken(command))
    problems.push({ field: 'formerIds', problem: 'must be other ids of the same token, which begin alike' });
  if ('data' in command && !problems.some(({ field }) => field === 'data')) {
    const bytes = dataBytes(command.data);
    if (bytes > maxDataBytes) problems.push({ field: 'data', problem: tooLarge(bytes, maxDataBytes) });
  }
  if (problems.length > 0) throw new ValidationError(command.op, problems);
}

/** No pepper has a say in how an id begins: so all of a token lie in one shard. */
function areOfOneToken(command: Command): boolean {
  if (!('formerIds' in command) || command.formerIds === undefined) return true;
  const newest = 'id' in command ? command.id : command.except;
  return (
    newest !== undefined &&
    command.formerIds.every((id) => id !== newest && id.slice(0, 2) === newest.slice(0, 2))
  );
}

/** The rules that a class's decorators made, in a row. */
type Rules = readonly { property: string; rule: ValidatorConstraintInterface }[];

const rulesOf = new Map<unknown, Rules>();

/**
 * Whether every rule of the decorators takes its field: asked of them directly, at a tenth of what class-validator's
 * apparatus costs. That is for naming what is wrong.
 */
export function isRight(command: Command): boolean {
  const kind = command.constructor;
  let rules = rulesOf.get(kind);
  if (!rules) {
    rules = readRules(kind);
    rulesOf.set(kind, rules);
  }
  for (const { property, rule } of rules) {
    if (!rule.validate(command[property as keyof Command])) return false;
  }
  return true;
}

function readRules(kind: Command['constructor']): Rules {
  const storage = getMetadataStorage();
  return storage
    .getTargetValidationMetadatas(kind, '', false, false)
    .flatMap(({ propertyName, constraintCls }) =>
      storage
        .getTargetValidatorConstraints(constraintCls)
        .map(({ instance }) => ({ property: propertyName, rule: instance })),
    );
}

/** What class-validator finds wrong, field by field. */
export function problemsOf(command: Command): FieldProblem[] {
  const errors = validateSync(command, { validationError: { target: false, value: false } });
  return errors.map(({ property, constraints }) => ({
    field: property,
    problem: Object.values(constraints ?? {}).join(', '),
  }));
}

/** The problem with data that has outgrown its limit. */
export const tooLarge = (bytes: number, maxDataBytes: number): string =>
  `must be at most ${maxDataBytes} bytes as JSON, got ${bytes}`;
