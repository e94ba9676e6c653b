/** Something on the command line can not be read. */
export class UsageError extends Error {
  readonly code = 'USAGE';
}
