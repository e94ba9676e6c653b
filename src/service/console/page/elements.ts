/** The page's elements: those that there are, and new ones. Text is always text: nothing that a name holds is markup. */

/** An element of the page that must be there. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

export type Content = string | Node;

export function make(
  name: string,
  content: Content[] = [],
  attributes: Record<string, string> = {},
): HTMLElement {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

/** A row of a table; a cell may have a class. */
export function row(cells: (Content | { class: string; content: Content })[]): HTMLElement {
  return make(
    'tr',
    cells.map((cell) =>
      typeof cell === 'object' && 'class' in cell
        ? make('td', [cell.content], { class: cell.class })
        : make('td', [cell as Content]),
    ),
  );
}

export const number = (content: Content): { class: string; content: Content } => ({
  class: 'number',
  content,
});

export function button(
  text: string,
  act: () => unknown,
  attributes: Record<string, string> = {},
): HTMLElement {
  const made = make('button', [text], { type: 'button', ...attributes });
  made.addEventListener('click', act);
  return made;
}
