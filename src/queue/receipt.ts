/** What an enqueued command leaves in its sender's hands. */
import { isOperation } from '../tokens/commands.js';
import { ValidationError } from '../tokens/errors.js';
import { commandIdProblem } from '../tokens/fields.js';
import type { Operation } from '../tokens/operations.js';

/** Survives JSON: another process may ask for the result with it. */
export interface ReceiptData<O extends Operation = Operation> {
  /** Which one was enqueued. */
  operation: O;
  /** The command's: the caller's own, or one that was made for it. */
  commandId: string;
  /** Of the BullMQ job that carries it, with others perhaps. */
  jobId: string;
  /** The token's id, for operations on one token. */
  id?: string;
}

/** A receipt as `enqueue` gives it: for a create with its token, in a property that is in no JSON, log or error. */
export type Receipt<O extends Operation = Operation> = ReceiptData<O> &
  (O extends 'create'
    ? {
        /** The token's id. */
        readonly id: string;
        /** The secret, to be handed out at once. */
        readonly token: string;
      }
    : unknown);

export function makeReceipt<O extends Operation>(
  data: ReceiptData<O>,
  token: string | undefined,
): Receipt<O> {
  if (token !== undefined) Object.defineProperty(data, 'token', { value: token, enumerable: false });
  return data as Receipt<O>;
}

/** @throws {ValidationError} for what is no receipt, as it may come out of JSON. */
export function checkReceipt(receipt: unknown): asserts receipt is ReceiptData {
  const { operation, commandId, jobId } = (receipt ?? {}) as Record<string, unknown>;
  const problem = commandIdProblem(commandId);
  const fields = [
    ...(isOperation(operation) ? [] : [{ field: 'operation', problem: 'is no operation' }]),
    ...(problem ? [{ field: 'commandId', problem }] : []),
    ...(typeof jobId === 'string' && jobId !== '' ? [] : [{ field: 'jobId', problem: 'is missing' }]),
  ];
  if (fields.length > 0) throw new ValidationError('receipt', fields);
}
