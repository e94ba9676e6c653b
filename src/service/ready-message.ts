/** What the worker prints when it is ready: where it is, and what to try next. */
import { LANES } from '../queue/lanes.js';
import { DEFAULT_URL, defaultSpread } from '../redis/connection.js';
import type { Settings } from './settings.js';
import { isShownInFull, shownUrl } from './shown-url.js';

type Shown = Pick<Settings, 'connection' | 'prefix' | 'shards'>;

export function readyMessage(settings: Shown): string {
  const queues = LANES.map((lane) => `{${settings.prefix}}:${lane}`).join(' and ');
  const command = commandFor(settings);
  const scope = '--app shop --type session';
  return `redis-tokens worker is ready on ${shownUrl(settings.connection)} (queues ${queues})

Try it from another terminal${isShownInFull(settings.connection) ? '' : ', with the same REDIS_URL'}:
  ${command} watch ${scope}
  ${command} create ${scope} --owner ann --duration 1h --data '{"cart":3}' --queue
  ${command} list ${scope} --owner ann
  ${command} revoke-all ${scope} --owner ann --queue
  ${command} --help
`;
}

/** The command line that reaches the same deployment. */
function commandFor({ connection, prefix, shards }: Shown): string {
  const url =
    isShownInFull(connection) && connection !== DEFAULT_URL ? `REDIS_URL=${quoted(connection)} ` : '';
  const options = `${prefix === 'rt' ? '' : ` --prefix ${prefix}`}${shards === defaultSpread(connection).shards ? '' : ` --shards ${shards}`}`;
  return `${url}npx redis-tokens${options}`;
}

const quoted = (text: string): string =>
  /^[\w:/.@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
