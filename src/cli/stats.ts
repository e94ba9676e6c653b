/** `redis-tokens stats`: how many tokens there are and where, and how the queues stand. */

import type { Standing } from '../service/overview.js';
import { printable } from '../service/printable.js';
import { type Settings, tokenOptions } from '../service/settings.js';
import { DONE } from './exit-status.js';
import { type Output, properties, table } from './output.js';
import { showLanes } from './queue.js';

/** @returns the exit status. */
export async function runStats(settings: Settings, output: Output): Promise<number> {
  const { Overview } = await import('../service/overview.js'); // BullMQ takes as long to load as all else
  const overview = new Overview(settings.connection, tokenOptions(settings));
  try {
    await overview.ready();
    const standing = await overview.read();
    output.result(standing, () => show(standing));
    return DONE;
  } finally {
    await overview.close();
  }
}

function show({ queues, tokens }: Standing): string {
  const { live, scopes, complete, events, sweepLag } = tokens;
  return [
    properties([
      ['live tokens', `${live}${complete ? '' : ', in the scopes that were looked at'}`],
      ['events', `${events} since the log began`],
      ['sweep', sweepLag === 0 ? 'nothing is overdue' : `${Math.ceil(sweepLag / 1_000)} s behind`],
    ]),
    table(
      ['LIVE', 'APP', 'TYPE'],
      scopes.map(({ app, type, live: count }) => [String(count), printable(app), printable(type)]),
    ),
    showLanes(queues),
  ].join('\n\n');
}
