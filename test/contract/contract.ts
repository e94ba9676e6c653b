// What every repository must do, whatever it stores tokens in: the suite, to be run for each of them.
import { atOnceContract } from './at-once.js';
import { byIdContract } from './by-id.js';
import { consumeContract } from './consume.js';
import { createContract } from './create.js';
import { dataContract } from './data.js';
import { deleteContract } from './delete.js';
import { deleteAllContract } from './delete-all.js';
import { deleteScopeContract } from './delete-scope.js';
import { eventContract } from './events.js';
import { exceptContract } from './except.js';
import { getContract } from './get.js';
import { givenUpContract } from './given-up.js';
import { jobContract } from './jobs.js';
import { listContract } from './list.js';
import { markContract } from './marks.js';
import { overdueContract } from './overdue.js';
import { reasonContract } from './reasons.js';
import { refreshContract } from './refresh.js';
import { scopeContract } from './scopes.js';
import type { OpenSubject } from './subject.js';
import { sweepContract } from './sweep.js';
import { timeContract } from './time.js';
import { updateContract } from './update.js';
import { World } from './world.js';

export function contract(name: string, open: OpenSubject): void {
  describe(name, () => {
    const world = new World(open);
    createContract(world);
    getContract(world);
    updateContract(world);
    refreshContract(world);
    deleteContract(world);
    deleteAllContract(world);
    exceptContract(world);
    byIdContract(world);
    consumeContract(world);
    deleteScopeContract(world);
    reasonContract(world);
    listContract(world);
    atOnceContract(world);
    timeContract(world);
    markContract(world);
    jobContract(world);
    givenUpContract(world);
    overdueContract(world);
    sweepContract(world);
    dataContract(world);
    scopeContract(world);
    eventContract(world);
  });
}
