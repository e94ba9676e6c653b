/** The console's page: where it begins. */
import { showDeadLetters } from './dead-letters.js';
import { part } from './elements.js';
import { serveEvents } from './events.js';
import { showOverview } from './overview.js';
import { serveOwner } from './owner.js';

/** Milliseconds between two looks. */
const INTERVAL = 5_000;

serveOwner();
serveEvents();
look();

/** Again and again, one at a time; a page that nobody sees asks nothing. */
async function look(): Promise<void> {
  if (!document.hidden) await Promise.all([showOverview(), showDeadLetters()]).then(() => trouble(''), told);
  setTimeout(look, INTERVAL);
}

function told(error: unknown): void {
  trouble(error instanceof TypeError ? 'The worker does not answer.' : (error as Error).message);
}

function trouble(text: string): void {
  part('trouble').textContent = text;
  part('trouble').hidden = text === '';
}
