/** The tokens of one owner: to look at, and to revoke. */
import { confirmed } from './confirm.js';
import { button, type Content, make, part, row } from './elements.js';
import { count, span, time } from './formats.js';
import { ask, send } from './server.js';
import type { OwnerAnswer, TokenShown } from './wire.js';

type Owner = Record<'app' | 'type' | 'owner', string>;

/** Whose tokens are shown. */
let shown: Owner | undefined;

export function serveOwner(): void {
  const form = part<HTMLFormElement>('owner');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const { app = '', type = '', owner = '' } = Object.fromEntries(new FormData(form)) as Partial<Owner>;
    shown = { app, type, owner };
    trying(() => show());
  });
  part('revoke-all').addEventListener('click', () => trying(revokeAll));
}

async function trying(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    say((error as Error).message, true);
  }
}

function say(text: string, isProblem = false): void {
  const status = part('owner-said');
  status.textContent = text;
  status.classList.toggle('problem', isProblem);
}

async function show(before = ''): Promise<void> {
  if (!shown) return;
  const owner = shown;
  const { count: all, tokens, more } = await ask<OwnerAnswer>('tokens', owner);
  if (owner !== shown) return; // somebody else's were asked for meanwhile
  const many = `${count(all)} live token${all === 1 ? '' : 's'}`;
  say(`${before}${many}${more ? `; the ${tokens.length} that live longest are shown` : ''}.`);
  part('owner-found').hidden = tokens.length === 0;
  part('owner-tokens').replaceChildren(...tokens.map((token) => tokenRow(owner, token)));
}

function tokenRow(owner: Owner, token: TokenShown): HTMLElement {
  const { id, label, hint, createdAt, expiresAt, lastUsedAt } = token;
  const names: Content[] = [make('code', [id])];
  if (label !== undefined) names.unshift(label, ' ');
  if (hint !== undefined) names.push(' ', make('code', [hint]));
  return row([
    make('span', names),
    time(createdAt),
    lastUsedAt === undefined ? '–' : time(lastUsedAt),
    `${time(expiresAt)} (${span(expiresAt - Date.now())})`,
    button('Revoke', () => trying(() => revoke(owner, token)), {
      class: 'danger',
      'aria-label': `Revoke ${label ?? id}`,
    }),
  ]);
}

async function revoke(owner: Owner, { id, label }: TokenShown): Promise<void> {
  const what = `${label ?? id} of ${owner.owner} (${owner.app}, ${owner.type}) ends at once, everywhere.`;
  if (!(await confirmed('Revoke this token?', what, 'Revoke'))) return;
  const { revoked } = await send<{ revoked: number }>('revoke', { ...owner, id });
  await show(revoked === 1 ? 'Revoked. ' : 'It was not alive any more. ');
}

async function revokeAll(): Promise<void> {
  if (!shown) return;
  const owner = shown;
  const what = `Every token of ${owner.owner} (${owner.app}, ${owner.type}) ends at once, everywhere.`;
  if (!(await confirmed('Revoke all of them?', what, 'Revoke all'))) return;
  const { revoked } = await send<{ revoked: number }>('revoke-all', owner);
  await show(`Revoked ${count(revoked)}. `);
}
