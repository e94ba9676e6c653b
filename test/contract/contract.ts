// What every repository must do, whatever it stores tokens in: the suite, to be run for each of them.
import { atOnceContract } from './at-once.js';
import { createContract } from './create.js';
import { dataContract } from './data.js';
import { deleteContract } from './delete.js';
import { deleteAllContract } from './delete-all.js';
import { eventContract } from './events.js';
import { getContract } from './get.js';
import { givenUpContract } from './given-up.js';
import { jobContract } from './jobs.js';
import { listContract } from './list.js';
import { markContract } from './marks.js';
import { overdueContract } from './overdue.js';
import { refreshContract } from './refresh.js';
import { reuseContract } from './reuse.js';
import { rotateContract } from './rotate.js';
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
    rotateContract(world);
    reuseContract(world);
    deleteContract(world);
    deleteAllContract(world);
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
