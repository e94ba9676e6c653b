// Tokens of one owner in a repository, and what a deleteAll of them sends to Redis step by step.
import { randomBytes } from 'node:crypto';
import { assert } from 'chai';
import type { TokenRecord } from '../../src/index.js';
import type { RedisTokenRepository } from '../../src/redis/repository.js';
import type { Microseconds } from '../../src/tokens/clock.js';
import { buildCommand } from '../../src/tokens/commands.js';
import { newNonce } from '../../src/tokens/secret.js';
import { startRedisServer } from '../../tools/redis-server.js';
import { SCOPE, type Stage } from '../queue/stage.js';

export const STEP = 1_000; // tokens that one step may end
export const PATIENT = { timeout: 60_000 };
const SECOND = 1_000_000;
const SIDE_BY_SIDE = 2_000;

/** Has so many tokens of one owner ended, and looks at every step that it takes. On a server of its own. */
export async function endInSteps(stage: Stage, count: number): Promise<void> {
  const server = await startRedisServer({ log: () => {} });
  try {
    stage.url = server.url;
    const repository = stage.repository(PATIENT);
    await repository.ready();
    const owner = 'ann';
    for (let made = 0; made < count; made += SIDE_BY_SIDE) {
      await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => create(repository, { owner })));
    }
    const { ended, others } = await watchSteps(stage, () => deleteAll(repository, { owner }));
    assert.equal(
      ended.reduce((sum, one) => sum + one, 0),
      count,
    );
    assert.isAtMost(Math.max(...ended), STEP);
    assert.isAbove(others, ended.length / 10, 'commands of others, which came between two steps');
    assert.deepEqual(await stage.redis.keys(`{${stage.prefix}:0}:[tos]:*`), []);
  } finally {
    await stage.opened.close();
    await server.stop();
  }
}

/** How many tokens each script ended meanwhile, and how many commands of others there were between the first and last. */
async function watchSteps(stage: Stage, run: () => Promise<unknown>) {
  const monitor = await stage.redis.monitor();
  stage.opened.later(monitor, () => monitor.disconnect());
  const [ended, mark]: [number[], string] = [[], randomBytes(8).toString('hex')];
  let [inScript, others, waiting]: [number, number, number] = [0, 0, 0];
  const over = new Promise<void>((resolve) => {
    monitor.on('monitor', (_: string, [name = '', ...args]: string[], source: string) => {
      const [first = ''] = args;
      if (source === 'lua') {
        if (name.toLowerCase() === 'del' && first.includes(':t:')) inScript += args.length;
        return;
      }
      if (inScript > 0) {
        ended.push(inScript);
        others += waiting;
        waiting = 0;
      }
      inScript = 0;
      if (first === mark) resolve();
      if (first === 'others' && ended.length > 0) waiting++;
    });
  });
  const visitor = stage.client();
  let isOver = false;
  const visits = (async () => {
    while (!isOver) await visitor.echo('others');
  })();
  await run();
  isOver = true;
  await visits;
  await visitor.echo(mark);
  await over;
  return { ended, others };
}

interface Fields {
  owner: string;
  duration?: number;
  issuedAt?: Microseconds;
}

const until = (repository: RedisTokenRepository) => repository.now() + 60 * SECOND;

export function create(
  repository: RedisTokenRepository,
  { duration = 600, issuedAt = repository.now(), owner }: Fields,
): Promise<TokenRecord> {
  const id = `AA${randomBytes(15).toString('base64url')}`;
  const command = buildCommand('create', {
    ...SCOPE,
    issuedAt,
    id,
    owner,
    data: {},
    duration,
    custom: false,
  });
  return repository.create(command, { until: until(repository) });
}

export function refresh(repository: RedisTokenRepository, id: string, duration: number) {
  const command = buildCommand('refresh', { ...SCOPE, issuedAt: repository.now(), id, duration });
  return repository.refresh(command, { until: until(repository) });
}

/** Answers the id of the successor. */
export async function rotate(repository: RedisTokenRepository, id: string, duration: number) {
  const successor = `AA${randomBytes(15).toString('base64url')}`;
  const fields = { ...SCOPE, issuedAt: repository.now(), id, successor, nonce: newNonce(), duration };
  const rotated = await repository.rotate(buildCommand('rotate', fields), { until: until(repository) });
  return rotated?.record.id;
}

export function deleteAll(
  repository: RedisTokenRepository,
  { owner, issuedAt = repository.now(), job = false }: Fields & { job?: boolean },
): Promise<number> {
  const command = buildCommand('deleteAll', { ...SCOPE, issuedAt, owner });
  const attempt = { until: until(repository) };
  const reference = { queue: 'revocations', id: `job-${owner}`, issuedAt };
  return repository.deleteAll(command, job ? { ...attempt, job: reference, commandId: 'out' } : attempt);
}
