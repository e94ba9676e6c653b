// `npm start`: the worker from its sources, with a Redis of its own unless REDIS_URL names one.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startRedisServer } from './redis-server.js';

const command = join(import.meta.dirname, '../src/cli/main.ts');

if (!process.env.REDIS_URL) {
  const redis = await startRedisServer();
  process.env.REDIS_URL = redis.url;
  process.stderr.write(`Redis: listening on ${redis.url}, and gone with this process\n`);
  // The worker ends by itself once it has drained; Redis, in a session of its own, has not heard of Ctrl-C until then.
  process.once('beforeExit', () => redis.stop());
}

// npm passes SIGTERM on to the shell that it runs scripts in, which dies of it and tells us nothing: that it is gone is
// what we see.
if (process.env.npm_lifecycle_event === 'start') {
  const shell = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(check);
    process.kill(process.pid, 'SIGTERM');
  }, 100);
  check.unref();
}

if (!existsSync(command)) throw new Error('src/cli/main.ts is missing');
const args = process.argv.slice(2);
process.argv = [process.execPath, command, ...(args.length > 0 ? args : ['worker'])];
await import(pathToFileURL(command).href);
