/** An event as a line for people. */
import { printable } from '../service/printable.js';
import type { TokenEvent, TokenEventType } from '../tokens/events.js';
import type { GuessingSuspected } from '../tokens/guessing.js';
import { paint, type Style } from './output.js';

const STYLES: Record<TokenEventType, Style> = {
  'token-created': 'green',
  'token-updated': 'cyan',
  'token-refreshed': 'cyan',
  'token-rotated': 'cyan',
  'token-resealed': 'cyan',
  'token-revoked': 'red',
  'token-reused': 'magenta',
  'token-expired': 'yellow',
};

/** Of who may be guessing tokens. */
export function suspicionLine({ time, type, data }: GuessingSuspected): string {
  const told = printable(`${data.client} app=${data.app} type=${data.type} misses=${data.misses}`);
  return `${paint('dim', printable(time))} ${paint('magenta', type)} ${told}`;
}

export function eventLine({ time, type, subject, data }: TokenEvent): string {
  const { app, type: tokenType, owner, version, reason, by, successor } = data;
  const rest = Object.entries({ version, reason, by, successor })
    .map(([name, value]) => (value === undefined ? '' : ` ${name}=${value}`))
    .join('');
  const told = printable(`${subject} app=${app} type=${tokenType} owner=${owner}${rest}`);
  return `${paint('dim', printable(time))} ${paint(STYLES[type] ?? 'bold', printable(type).padEnd(15))} ${told}`;
}
