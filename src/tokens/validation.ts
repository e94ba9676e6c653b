/** The one place where input is checked, whichever door it came through. */
import { validateSync } from 'class-validator';
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
  const problems = [...found];
  for (const { property, constraints } of validateSync(command, {
    validationError: { target: false, value: false },
  })) {
    problems.push({ field: property, problem: Object.values(constraints ?? {}).join(', ') });
  }
  if ('data' in command && !problems.some(({ field }) => field === 'data')) {
    const bytes = dataBytes(command.data);
    if (bytes > maxDataBytes) problems.push({ field: 'data', problem: tooLarge(bytes, maxDataBytes) });
  }
  if (problems.length > 0) throw new ValidationError(command.op, problems);
}

/** The problem with data that has outgrown its limit. */
export const tooLarge = (bytes: number, maxDataBytes: number): string =>
  `must be at most ${maxDataBytes} bytes as JSON, got ${bytes}`;
