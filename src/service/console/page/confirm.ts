/** Asks before anything is done that can not be undone. */
import { part } from './elements.js';

/** Resolves to whether the answer was yes. What is safe has the focus, and Escape is a no. */
export function confirmed(title: string, text: string, yes: string): Promise<boolean> {
  const dialog = part<HTMLDialogElement>('ask');
  part('ask-title').textContent = title;
  part('ask-text').textContent = text;
  part('ask-yes').textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  part('ask-no').focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}
