/** Events as they happen. */
import { make, part, row } from './elements.js';
import { clock } from './formats.js';
import type { EventsMessage } from './wire.js';

/** Rows that are kept. */
const ROWS = 200;

/** A type of event that an operator may look out for. */
const BAD: ReadonlySet<string> = new Set(['token-revoked', 'token-reused']);

let held = false;
let waiting = 0;

export function serveEvents(): void {
  const hold = part<HTMLButtonElement>('hold');
  hold.addEventListener('click', () => {
    held = !held;
    waiting = 0;
    hold.setAttribute('aria-pressed', String(held));
    say(held ? 'held' : 'listening');
  });
  const source = new EventSource('/console/api/events');
  source.addEventListener('open', () => say('listening'));
  source.addEventListener('error', () => say('not connected; trying again'));
  source.addEventListener('message', ({ data }) => hear(JSON.parse(data as string) as EventsMessage));
}

const say = (text: string): void => {
  part('events-said').textContent = text;
};

function hear({ events, skipped, lost }: EventsMessage): void {
  if (held) {
    waiting += events.length + skipped;
    say(`held; ${waiting} passed meanwhile`);
    return;
  }
  const rows = events.map(({ type, subject, time, app, tokenType, owner, detail }) =>
    row([
      clock(time),
      { class: BAD.has(type) ? 'bad' : '', content: type },
      make('code', [subject]),
      `${app} ${tokenType}`,
      owner,
      detail,
    ]),
  );
  if (skipped > 0) rows.push(row([`${skipped} more, too fast to be shown`, '', '', '', '', '']));
  if (lost) rows.push(row(['some events may have been lost', '', '', '', '', '']));
  const body = part<HTMLTableSectionElement>('events');
  body.prepend(...rows.reverse());
  while (body.rows.length > ROWS) body.deleteRow(-1);
}
