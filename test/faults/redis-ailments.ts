// What can be wrong with a Redis server, and how it passes.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { type Patient, SERVER_ARGS } from './redis-patient.js';
import { OPERATIONS, type OperationName } from './redis-trial.js';

export interface Ailment {
  name: string;
  /** Resolves when it has set in, with what ends it; that resolves when it is over. */
  begin(patient: Patient): Promise<() => Promise<unknown>>;
  /** Operations that go on for who is connected. Default: none. */
  serves?: readonly OperationName[];
  /** Operations that may get through, by luck. Default: none. */
  mayServe?: readonly OperationName[];
  /** What is told of the changes of who was connected before. Default: either. */
  outcome?: 'none' | 'unknown';
  /** Whether who comes anew is told the same. Default: nothing is done for them. */
  admits?: true;
  /** Whether who comes anew is served. */
  spares?: true;
  /** Whether it is a matter of settings rather than of Redis. */
  isConfig?: true;
}

const set = (nurse: Redis, name: string, value: string) => nurse.config('SET', name, value);

/** Ends every connection but the nurse's. */
async function disconnectAll(nurse: Redis): Promise<void> {
  for (const type of ['normal', 'pubsub']) await nurse.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
}

export const AILMENTS: readonly Ailment[] = [
  {
    name: 'is stopped',
    outcome: 'none',
    begin: async (patient) => {
      await patient.server.stop();
      await eventually('the nurse knows', () => patient.nurse.status !== 'ready');
      return () => patient.restart();
    },
  },
  {
    name: 'is killed',
    begin: async (patient) => {
      patient.server.kill('SIGKILL');
      return async () => {
        await patient.server.exited;
        await patient.restart();
      };
    },
  },
  {
    name: 'hangs',
    outcome: 'unknown',
    begin: async ({ server }) => {
      server.kill('SIGSTOP');
      return async () => server.kill('SIGCONT');
    },
  },
  {
    name: 'is paused',
    outcome: 'unknown',
    begin: async ({ nurse }) => {
      await nurse.call('CLIENT', 'PAUSE', '1500', 'ALL'); // which nobody can end before its time
      return () => nurse.ping();
    },
  },
  {
    name: 'is paused for writes',
    outcome: 'unknown',
    mayServe: ['get', 'getById', 'count', 'ready'], // those that are not held up behind a change
    begin: async ({ nurse }) => {
      await nurse.call('CLIENT', 'PAUSE', '60000', 'WRITE');
      return () => nurse.call('CLIENT', 'UNPAUSE');
    },
  },
  {
    name: 'is loading',
    outcome: 'none',
    begin: async ({ nurse, client }) => {
      await nurse.call('DEBUG', 'POPULATE', '2000', 'filler', '2000');
      await set(nurse, 'key-load-delay', '10000'); // µs: 20 seconds in all
      const loader = client();
      await loader.ping();
      const loaded = loader.call('DEBUG', 'RELOAD');
      await eventually('it loads', async () => /loading:1/.test(await nurse.info('persistence')));
      return async () => {
        await set(nurse, 'key-load-delay', '0');
        await loaded;
      };
    },
  },
  {
    name: 'is a replica that can be read',
    outcome: 'none',
    serves: ['get', 'getById', 'count', 'ready'],
    begin: async ({ nurse }) => {
      await nurse.replicaof('127.0.0.1', 1);
      return () => nurse.replicaof('NO', 'ONE');
    },
  },
  {
    name: 'is a replica without its primary',
    outcome: 'none',
    begin: async ({ nurse }) => {
      await set(nurse, 'replica-serve-stale-data', 'no');
      await nurse.replicaof('127.0.0.1', 1);
      return () => nurse.replicaof('NO', 'ONE');
    },
  },
  {
    name: 'has no replica that follows',
    outcome: 'none',
    serves: ['get', 'getById', 'count', 'ready'],
    begin: async ({ nurse }) => {
      await set(nurse, 'min-replicas-to-write', '1');
      return () => set(nurse, 'min-replicas-to-write', '0');
    },
  },
  {
    name: 'has no memory left',
    outcome: 'none',
    admits: true,
    serves: [
      ...(['get', 'getById', 'list', 'count', 'ready'] as const),
      ...(['delete', 'deleteById', 'consume', 'deleteAll'] as const),
    ],
    begin: async ({ nurse }) => {
      await set(nurse, 'maxmemory', '1');
      return () => set(nurse, 'maxmemory', '0');
    },
  },
  {
    name: 'can not save',
    outcome: 'none',
    serves: ['get', 'getById', 'count'],
    begin: async ({ nurse, dir }) => {
      const file = join(dir, 'dump.rdb');
      mkdirSync(file); // in the place of its file
      await set(nurse, 'save', '3600 1000000');
      const save = async (status: string) => {
        await nurse.bgsave();
        await eventually(`a save is ${status}`, async () => {
          const info = await nurse.info('persistence');
          return /rdb_bgsave_in_progress:0/.test(info) && info.includes(`rdb_last_bgsave_status:${status}`);
        });
      };
      await save('err');
      return async () => {
        rmSync(file, { recursive: true });
        await save('ok');
      };
    },
  },
  {
    name: 'is busy with a script',
    outcome: 'none',
    begin: async ({ nurse, client }) => {
      await set(nurse, 'busy-reply-threshold', '10');
      const busy = client();
      await busy.ping();
      const script = busy.eval('while true do end', 0).catch(() => {});
      await eventually('it is busy', () =>
        nurse.ping().then(
          () => false,
          (error) => /^BUSY/.test(error.message),
        ),
      );
      return async () => {
        await nurse.script('KILL');
        await script;
      };
    },
  },
  {
    name: 'takes no more clients',
    outcome: 'none',
    begin: async ({ nurse }) => {
      await set(nurse, 'maxclients', '1');
      await disconnectAll(nurse);
      const alone = async () =>
        String(await nurse.client('LIST'))
          .trim()
          .split('\n').length === 1;
      await eventually('they are gone', alone);
      return () => set(nurse, 'maxclients', '1000');
    },
  },
  {
    name: 'has another password since it was started again',
    isConfig: true,
    begin: async (patient) => {
      await patient.restart([...SERVER_ARGS, '--requirepass', 'another']);
      return () => patient.restart();
    },
  },
];

/** What can be wrong with the way to a server that is well. */
export const OBSTACLES: readonly Ailment[] = [
  {
    name: 'is half open',
    outcome: 'unknown',
    spares: true,
    begin: async ({ way }) => {
      way.strand();
      return async () => {};
    },
  },
  {
    name: 'is slower than the time-out',
    outcome: 'unknown',
    begin: async ({ way }) => {
      way.delay = 700;
      return async () => {
        way.delay = 0;
      };
    },
  },
  {
    name: 'is so slow that a few answers take longer than the time-out',
    serves: OPERATIONS,
    begin: async ({ way }) => {
      way.delay = 200;
      return async () => {
        way.delay = 0;
      };
    },
  },
  {
    name: 'is cut in the midst of every answer',
    mayServe: OPERATIONS, // an answer that stands before the cut
    begin: async ({ way }) => {
      way.cutsAnswers = true;
      return async () => {
        way.cutsAnswers = false;
      };
    },
  },
  {
    name: 'is cut again and again',
    mayServe: OPERATIONS,
    begin: async ({ way }) => {
      let over = false;
      const cutting = (async () => {
        while (!over) {
          way.cut();
          await wait(1);
        }
      })();
      return async () => {
        over = true;
        await cutting;
      };
    },
  },
];
