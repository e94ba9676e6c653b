// Runs a command with a Redis Cluster of our own, which REDIS_URL names to it.
import { spawn } from 'node:child_process';
import { startRedisCluster } from './redis-cluster.js';

const [command = '', ...args] = process.argv.slice(2);
const cluster = await startRedisCluster();
try {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, REDIS_URL: cluster.url } });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
} finally {
  await cluster.stop();
}
