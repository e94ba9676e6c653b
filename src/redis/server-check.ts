/** How the servers are set up: what an operator would regret, as far as they tell. */
import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { isCluster } from './connection.js';
import type { Store } from './store.js';

export interface Concern {
  /** The directive of redis.conf that it is about, or `INFO` where nothing could be asked. */
  setting: string;
  /** Which server: `host:port`. */
  node: string;
  /** What it is, what that may lead to, and what it should be. */
  message: string;
}

/** What one server tells; absent is what it does not. */
type Told = Record<string, string | undefined>;

/**
 * By `INFO` and `CONFIG GET`, of the one server or of each primary: a user by name asks the second where the first is
 * forbidden.
 * @param replicas that each primary should have: what `durability` waits for.
 * @throws {StoreUnavailableError}
 */
export async function serverConcerns(store: Store, replicas = 0): Promise<Concern[]> {
  const servers = await store.read(async (client) => {
    if (isCluster(client)) return Promise.all(client.nodes('master').map(ask));
    return [await ask(client)];
  });
  return servers.flatMap(({ node, told }) =>
    concernsIn(told, replicas).map((concern) => ({ ...concern, node })),
  );
}

async function ask(client: Redis): Promise<{ node: string; told: Told }> {
  const { path, username } = client.options;
  const info = await client.info().then(fieldsOf, orForbidden);
  // A user by name has few rights as a rule: what is refused would stand in Redis' ACL LOG, as if somebody had pried.
  const mayAsk = !username || username === 'default' || info.role === undefined;
  const config = mayAsk
    ? await client.config('GET', 'maxmemory-policy', 'appendonly', 'appendfsync').then(pairsOf, orForbidden)
    : {};
  const told: Told = {
    'maxmemory-policy': config['maxmemory-policy'] ?? info.maxmemory_policy,
    appendonly: config.appendonly ?? yesNo(info.aof_enabled),
    appendfsync: config.appendfsync,
    role: info.role,
    replicas: info.connected_slaves,
  };
  return { node: path ?? addressOf(client), told };
}

/** The one that Sentinels have told of stands in no option. */
function addressOf({ options: { host = 'localhost', port = 6379, sentinels }, stream }: Redis): string {
  const { remoteAddress = host, remotePort = port } = stream as Socket;
  return sentinels ? `${remoteAddress}:${remotePort}` : `${host}:${port}`;
}

function concernsIn(told: Told, replicas: number): Omit<Concern, 'node'>[] {
  const { 'maxmemory-policy': policy, appendonly, appendfsync, role } = told;
  if (policy === undefined && appendonly === undefined && role === undefined) {
    const message = 'neither INFO nor CONFIG GET is allowed: how Redis is set up was not looked at';
    return [{ setting: 'INFO', message }];
  }
  const concerns: Omit<Concern, 'node'>[] = [];
  const concern = (setting: string, message: string) => concerns.push({ setting, message });
  if (policy !== undefined && policy !== 'noeviction')
    concern(
      'maxmemory-policy',
      `maxmemory-policy is ${policy}: a full Redis forgets tokens, jobs, and what was revoked; it should be noeviction`,
    );
  if (appendonly === 'no')
    concern(
      'appendonly',
      'there is no append-only file: a crash loses tokens, and revives what was revoked since the last snapshot; appendonly should be yes',
    );
  else if (appendfsync === 'no')
    concern(
      'appendfsync',
      'appendfsync is no: a crash of the machine loses what the system had not written; it should be everysec or always',
    );
  if (Number(told.replicas) < replicas)
    concern(
      'replicas',
      `${told.replicas} replicas follow it, and durability waits for ${replicas}: each change that waits is told as not replicated`,
    );
  if (role === 'slave') concern('replicaof', 'it is a replica: nothing can be written there');
  return concerns;
}

/** What is forbidden, or not there on a managed Redis, is not told. */
function orForbidden(error: Error): Told {
  if (error.name === 'ReplyError') return {};
  throw error;
}

const fieldsOf = (info: string): Told =>
  Object.fromEntries(info.split('\r\n').flatMap((line) => (line.includes(':') ? [line.split(':')] : [])));

/** Of a reply in the shape of RESP2. */
const pairsOf = (reply: unknown): Told => {
  const flat = reply as string[];
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]]] : [])));
};

const yesNo = (flag: string | undefined): string | undefined =>
  flag === undefined ? undefined : flag === '1' ? 'yes' : 'no';
