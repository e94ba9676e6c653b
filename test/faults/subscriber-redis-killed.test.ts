// Redis is killed and comes back from its append-only file: what it had acknowledged, subscribers hear of.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisServer, startRedisServer } from '../../tools/redis-server.js';
import { Ear } from '../events/ear.js';
import { eventually } from '../support/eventually.js';
import { assertHeardOnce, gather, openClients, revocations, revoke } from './subscriber-crowd.js';

const SHARDS = 2;
const KILLS = 3;

describe('A Redis that is killed while tokens are revoked, and that keeps an append-only file', function () {
  this.timeout(60_000);
  const dir = mkdtempSync(join(tmpdir(), 'redis-tokens-'));
  const startOnFile = (port?: number) =>
    startRedisServer({
      dir,
      args: ['--appendonly', 'yes', '--appendfsync', 'always'],
      log: () => {},
      ...(port === undefined ? {} : { port }),
    });
  let server: RedisServer;
  before(async () => {
    server = await startOnFile();
  });
  after(async () => {
    await server.stop();
    rmSync(dir, { recursive: true });
  });
  const ear = new Ear(async () => server.url);

  it('lets subscribers hear of each revocation that it acknowledged, once', async () => {
    const clients = await openClients(ear, SHARDS);
    const crowd = await gather(clients, 200, 10);
    const heard = await ear.listen();
    const revoking = revoke(clients, crowd);
    for (let kill = 1; kill <= KILLS; kill++) {
      await eventually('some more are heard', () => revocations(heard).length >= kill * 400);
      server.kill('SIGKILL');
      await server.exited;
      await server.stop();
      server = await startOnFile(server.port);
    }
    await revoking;
    const keys = [ear.logKey(0), ear.logKey(1)];
    await assertHeardOnce(heard, crowd, ear.redis, keys);
  });
});
