// Hooks that load what a page shows, keep it while it is loaded again, and load it again when an event says so.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { api, Problem, type Answer } from './api';
import { on, type Kind } from './live';
import { range, type Range } from './time';
import { route } from './route';

export type Loaded<T> = { data?: T; problem?: Problem; isLoading: boolean; reload: () => void };

/** Not more often than this are pages loaded again because of events. Decisions come by the second. */
const CALM_MS = 1500;
const DECISIONS_MS = 6000;

/** Loads with `load`, again when `key` changes, and soon after one of `events`. */
export function useLoad<T>(key: string | undefined, load: (abort: AbortSignal) => Promise<T>, events: Kind[] = []): Loaded<T> {
  const [state, setState] = useState<{ key?: string; data?: T; problem?: Problem; isLoading: boolean }>({ isLoading: true });
  const [turn, setTurn] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const reload = useCallback(() => setTurn((count) => count + 1), []);

  useEffect(() => {
    if (key === undefined) return;
    const abort = new AbortController();
    setState((old) => (old.key === key ? { ...old, isLoading: true } : { key, isLoading: true }));
    latest.current(abort.signal).then(
      (data) => !abort.signal.aborted && setState({ key, data, isLoading: false }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(String(error), -1);
        setState((old) => ({ key, data: old.key === key ? old.data : undefined, problem, isLoading: false }));
      },
    );
    return () => abort.abort();
  }, [key, turn]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let due = Infinity;
    const soon = (wait: number) => {
      if (Date.now() + wait >= due) return;
      clearTimeout(timer);
      due = Date.now() + wait;
      timer = setTimeout(() => {
        due = Infinity;
        if (!document.hidden) reload();
      }, wait);
    };
    const offs = [...events, 'gap' as const].map((kind) => on(kind, () => soon(kind === 'decision' ? DECISIONS_MS : CALM_MS)));
    return () => {
      offs.forEach((off) => off());
      clearTimeout(timer);
    };
  }, [events.join(), reload]);

  const current = state.key === key ? state : { isLoading: true };
  return { data: current.data, problem: current.problem, isLoading: current.isLoading, reload };
}

/** A query of a page. `timed`: the page's time range holds for it; without it all that is there is asked. */
export type Ask = { query: string; timed?: boolean; limit?: number };
export type Row = Record<string, unknown>;
export type Result = { answer?: Answer; rows: Row[]; problem?: string };

export function rowsOf(answer: Answer): Row[] {
  return answer.rows.map((row) => Object.fromEntries(answer.columns.map((column, index) => [column.name, row[index]])));
}

/** Asks several queries at once. Each result has its rows, or why there are none. */
export function useQueries<K extends string>(asks: Record<K, Ask>, events: Kind[] = []): Loaded<Record<K, Result>> & { at: Range } {
  const { range: name, from, to } = route.value.params;
  const key = JSON.stringify([asks, name, from, to]);
  const at = range();
  const loaded = useLoad(
    key,
    async (abort) => {
      const now = range();
      const queries = (Object.entries(asks) as [string, Ask][]).map(([id, ask]) => ({
        id,
        query: ask.query,
        limit: ask.limit,
        ...(ask.timed ? { from: now.from.toISOString(), to: now.to.toISOString() } : {}),
      }));
      const { results } = await api.queries(queries, abort);
      const all = {} as Record<K, Result>;
      for (const id of Object.keys(asks) as K[]) {
        const result = results[id];
        if (result && 'rows' in result) all[id] = { answer: result, rows: rowsOf(result) };
        else all[id] = { rows: [], problem: result?.error.message ?? 'The server did not answer this query.' };
      }
      return all;
    },
    events,
  );
  return { ...loaded, at };
}

export * from './values';
