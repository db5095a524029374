// Keys that work everywhere. Lists and grids have their own; nothing here acts while somebody types.
import { signal } from '@preact/signals';
import { go, pages, type Page } from './route';
import { toggle } from './live';
import { switchTheme } from './theme';

export const isHelpOpen = signal(false);

export const places: Record<string, Page> = { o: 'overview', i: 'incidents', h: 'hunting', r: 'recommendations', v: 'inventory', g: 'gate', c: 'content', s: 'settings' };

export const help: [string, [string, string][]][] = [
  ['Go to', Object.entries(places).map(([key, page]) => [`g ${key}`, page[0]!.toUpperCase() + page.slice(1)] as [string, string])],
  ['Lists', [['j / k', 'Next, previous row'], ['Enter', 'Open the row'], ['Esc', 'Close what is open'], ['Home / End', 'First, last row'], ['/', 'Filter']]],
  ['Hunting', [['Ctrl Enter', 'Run the query'], ['Ctrl Space', 'Complete'], ['Esc, then Tab', 'Leave the editor'], ['Arrows', 'Move among cells'], ['Enter', 'Open the row'], ['Ctrl C', 'Copy the cell']]],
  ['Everywhere', [['p', 'Pause or go on with live updates'], ['t', 'Dark or light'], ['?', 'This help']]],
];

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) || target.hasAttribute('data-editor'));

let isGoing = false;
let timer: ReturnType<typeof setTimeout> | undefined;

function press(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.composedPath()[0] ?? null;
  if (isTyping(target) || isTyping(event.target)) {
    if (event.key === 'Escape' && target instanceof HTMLInputElement && target.type === 'search') target.blur();
    return;
  }
  if (document.querySelector('dialog[open]')) return;
  if (isGoing) {
    isGoing = false;
    clearTimeout(timer);
    const page = places[event.key];
    if (page && pages.includes(page)) {
      event.preventDefault();
      go(page);
    }
    return;
  }
  const acts: Record<string, () => void> = {
    g: () => {
      isGoing = true;
      timer = setTimeout(() => (isGoing = false), 1200);
    },
    '/': () => document.querySelector<HTMLElement>('[data-search]')?.focus(),
    '?': () => (isHelpOpen.value = true),
    p: toggle,
    t: switchTheme,
    j: () => focusList(),
    k: () => focusList(),
    Escape: closePane,
  };
  const act = acts[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/** What is open beside a list goes, and the focus is back in the list. */
function closePane(): void {
  const close = document.querySelector<HTMLElement>('[data-pane] .pane-title button');
  if (!close) return;
  close.click();
  focusList();
}

/** Into the list of the page, from wherever the focus is. */
function focusList(): void {
  document.querySelector<HTMLElement>('[data-list] [tabindex="0"], [data-grid] [tabindex="0"]')?.focus();
}

export function listen(): () => void {
  addEventListener('keydown', press);
  return () => removeEventListener('keydown', press);
}
