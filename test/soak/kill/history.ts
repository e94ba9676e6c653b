// All that is known of a token or an owner, for whoever has to understand what went wrong.
import type { Answer, Ledger } from './ledger.js';
import type { Stored } from './stored.js';

/** Commands and events, each in its order. @param about a token's id, or an owner. */
export function historyOf(about: string | undefined, ledger: Ledger, stored: Stored): string[] {
  if (about === undefined) return [];
  const owners = new Set(
    ledger.entries.filter(({ receipt }) => receipt.id === about).map(({ meaning }) => meaning.owner),
  );
  const commands = ledger.entries
    .filter(
      ({ op, receipt, meaning }) =>
        receipt.id === about ||
        meaning.owner === about ||
        (op.startsWith('delete') && owners.has(meaning.owner)),
    )
    .sort((a, b) => a.order - b.order)
    .map((entry) => {
      const { op, receipt, sentAt, answeredAt } = entry;
      const { attempts, stalls } = stored.jobs.get(receipt.jobId) ?? {};
      const where = `${receipt.jobId}, begun ${attempts}×, stalled ${stalls}×`;
      return `    ${sentAt}–${answeredAt} ms ${op} ${receipt.commandId} ${receipt.id ?? ''} (${where}): ${shown(entry.answer)}`;
    });
  const events = stored.events
    .filter(({ subject, data }) => subject === about || data.owner === about)
    .map(({ time, type, subject, data }) => {
      const { version, reason, commandId } = data as Record<string, unknown>;
      return `    ${time} ${type} ${subject} ${version ?? ''} ${reason ?? ''} by ${commandId}`;
    });
  return [...commands, ...events];
}

export const shown = (answer: Answer | undefined): string =>
  answer?.status === 'failed'
    ? `${answer.code} (${answer.message})`
    : (JSON.stringify(answer?.value) ?? 'nothing');
