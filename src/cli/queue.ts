/** `redis-tokens queue`: how the queues stand, and whether workers take jobs of them. */
import { LANES, type Lane } from '../queue/lanes.js';
import { type LaneState, QueueControl } from '../queue/queue-control.js';
import type { Settings } from '../service/settings.js';
import { tokenOptions } from '../service/settings.js';
import { DONE } from './exit-status.js';
import { type Output, paint, table } from './output.js';

export interface QueueOptions {
  /** Both where left out. */
  lane?: Lane | undefined;
}

export type QueueAction = 'show' | 'pause' | 'resume';

/** @returns the exit status. */
export async function runQueue(
  action: QueueAction,
  { lane }: QueueOptions,
  settings: Settings,
  output: Output,
): Promise<number> {
  const { StandingQueues } = await import('../queue/standing-queues.js'); // BullMQ takes as long to load as all else
  const queues = new StandingQueues('queue', settings.connection, tokenOptions(settings));
  try {
    await queues.find();
    const control = new QueueControl(queues);
    const lanes = lane === undefined ? LANES : [lane];
    if (action !== 'show') for (const each of lanes) await control[action](each);
    await tell(control, lanes, output);
    return DONE;
  } finally {
    await queues.close();
  }
}

async function tell(control: QueueControl, lanes: readonly Lane[], output: Output): Promise<void> {
  const states = await control.states(lanes);
  output.result(states, () => showLanes(states));
}

/** A line for each. */
export const showLanes = (states: readonly LaneState[]): string => table(HEAD, states.map(row));

const HEAD = ['LANE', 'STATE', 'WORKERS', 'WAITING', 'OLDEST', 'ACTIVE', 'DELAYED', 'DEAD'];

function row({ lane, paused, workers, waiting, oldest, active, delayed, failed }: LaneState): string[] {
  const state = paused ? paint('yellow', 'paused') : workers > 0 ? 'running' : paint('red', 'no worker');
  const age = oldest === undefined ? '-' : `${(oldest / 1_000).toFixed(1)} s`;
  return [
    lane,
    state,
    String(workers),
    String(waiting),
    age,
    String(active),
    String(delayed),
    failed > 0 ? paint('red', String(failed)) : '0',
  ];
}
