// Runs a command with servers of our own, a Redis Cluster or one behind Sentinels, which REDIS_URL names to it.
import { spawn } from 'node:child_process';
import { startRedisCluster } from './redis-cluster.js';
import { startWatchedRedis } from './redis-sentinel.js';

const KINDS = { cluster: startRedisCluster, sentinel: startWatchedRedis };

const [kind = '', command = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(KINDS, kind)) throw new Error(`${kind} is none of ${Object.keys(KINDS).join(', ')}`);
const servers = await KINDS[kind as keyof typeof KINDS]();
try {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, REDIS_URL: servers.url } });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
} finally {
  await servers.stop();
}
