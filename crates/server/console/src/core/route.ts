// The address is the state: `#/page/id?filter=...&range=24h`. It stands behind `#`, so that queries and filters are never sent to a server,
// written into a log of a proxy, or told to another site.
import { computed, signal } from '@preact/signals';

export const pages = ['overview', 'incidents', 'hunting', 'recommendations', 'inventory', 'gate', 'content', 'settings'] as const;
export type Page = (typeof pages)[number];
export type Params = Record<string, string | undefined>;
export type Route = { page: Page; id?: string; params: Params };

function read(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [page, id] = path.split('/');
  const params: Params = {};
  for (const [name, value] of new URLSearchParams(query)) params[name] = value;
  const known = pages.find((name) => name === page);
  return { page: known ?? 'overview', id: known && id ? safely(id) : undefined, params };
}

function safely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = signal<Route>(read());
addEventListener('hashchange', () => (route.value = read()));

/** The time range goes along from page to page; filters belong to their page. */
const lasting = ['range', 'from', 'to'];

export function href(page: Page, params: Params = {}, id?: string | number): string {
  const all: Params = {};
  for (const name of lasting) all[name] = route.value.params[name];
  Object.assign(all, params);
  const kept = Object.entries(all).filter((part): part is [string, string] => part[1] !== undefined && part[1] !== '');
  const query = new URLSearchParams(kept).toString();
  return `#/${page}${id === undefined ? '' : `/${encodeURIComponent(String(id))}`}${query ? `?${query}` : ''}`;
}

export function go(page: Page, params: Params = {}, id?: string | number): void {
  location.hash = href(page, params, id);
}

/** Changes parameters of this page; what is `undefined` is dropped. Without `keep` the change is a step that Back undoes. */
export function set(changes: Params, keep: 'push' | 'replace' = 'replace'): void {
  const { page, id, params } = route.value;
  const target = href(page, { ...params, ...changes }, id);
  if (target === location.hash) return;
  if (keep === 'push') history.pushState(null, '', target);
  else history.replaceState(null, '', target);
  route.value = read();
}

export const param = (name: string): string | undefined => route.value.params[name];
export const page = computed(() => route.value.page);
