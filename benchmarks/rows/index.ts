// All groups of rows, in the order in which they are measured and told.
import type { Group } from '../bench.js';
import { bigOwner } from './big-owner.js';
import { cache } from './cache.js';
import { capacity } from './capacity.js';
import { get } from './get.js';
import { idle } from './idle.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { peers } from './peers.js';
import { queue } from './queue.js';
import { revocation } from './revocation.js';
import { scale } from './scale.js';
import { watched } from './watched.js';

export const GROUPS: Record<string, Group> = {
  get,
  idle,
  peers,
  scale,
  cache,
  queue,
  watched,
  latency,
  revocation,
  memory,
  'big-owner': bigOwner,
  capacity,
};

/** What takes long, and is told by itself: measured where it is asked for. */
export const APART: ReadonlySet<string> = new Set(['capacity']);
