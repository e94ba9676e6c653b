/** Jobs that failed for good: to be run again, or forgotten. */
import { confirmed } from './confirm.js';
import { button, make, part, row } from './elements.js';
import { count, time } from './formats.js';
import { ask, send } from './server.js';
import type { DeadLetterShown, DeadLettersAnswer } from './wire.js';

/** What was shown last: rows that are the same stay, with the focus that one of them may have. */
let last = '';

export async function showDeadLetters(before = ''): Promise<void> {
  const answer = await ask<DeadLettersAnswer>('dead-letters');
  const now = JSON.stringify(answer);
  if (now === last && before === '') return;
  last = now;
  const { count: all, letters } = answer;
  say(`${before}${all === 0 ? 'There are none.' : `${count(all)}; the newest are shown.`}`);
  part('dead').hidden = letters.length === 0;
  part('letters').replaceChildren(...letters.map(letterRow));
}

function say(text: string, isProblem = false): void {
  const status = part('dead-said');
  status.textContent = text;
  status.classList.toggle('problem', isProblem);
}

function letterRow(letter: DeadLetterShown): HTMLElement {
  const { lane, job, failedAt, attempts, reason, commands } = letter;
  const act = (action: 'retry' | 'drop') => () =>
    see(action, letter).catch((error: unknown) => say((error as Error).message, true));
  return row([
    make('span', [make('code', [job]), ` on ${lane}`]),
    time(failedAt),
    make(
      'span',
      commands.flatMap((command) => [command, make('br')]),
    ),
    `${reason} (${attempts} attempts)`,
    make('span', [
      button('Retry', act('retry'), { 'aria-label': `Retry ${job}` }),
      ' ',
      button('Drop', act('drop'), { class: 'danger', 'aria-label': `Drop ${job}` }),
    ]),
  ]);
}

const QUESTIONS = {
  retry: [
    'Run it again?',
    'What was applied is not applied again; what has become too old is refused.',
    'Retry',
  ],
  drop: ['Forget it?', 'What of it was not applied never will be.', 'Drop'],
} as const;

async function see(action: 'retry' | 'drop', { lane, job }: DeadLetterShown): Promise<void> {
  const [title, text, yes] = QUESTIONS[action];
  if (!(await confirmed(title, `${job} on ${lane}. ${text}`, yes))) return;
  const { done } = await send<{ done: boolean }>(`dead-letters/${action}`, { lane, job });
  const what = action === 'retry' ? 'It runs again. ' : 'It is forgotten. ';
  await showDeadLetters(done ? what : 'It was no dead letter any more. ');
}
