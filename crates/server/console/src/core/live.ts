// What happens now, from the server's events. A page asks to be told; people can pause, and what came meanwhile is counted.
import { signal } from '@preact/signals';
import { loadSession, session, type Schemas } from './api';

export type Kinds = {
  hello: Schemas['EventHello'];
  incident: Schemas['EventIncident'];
  alert: Schemas['EventAlert'];
  decision: Schemas['EventDecision'];
  posture: Schemas['EventPosture'];
  gap: Schemas['EventGap'];
};
export type Kind = keyof Kinds;
export type State = 'off' | 'connecting' | 'live' | 'paused' | 'lost';

export const state = signal<State>('off');
/** How many events came while people had paused. */
export const missed = signal(0);

type Listener = (data: never) => void;
const listeners = new Map<Kind, Set<Listener>>();
const kinds: Kind[] = ['hello', 'incident', 'alert', 'decision', 'posture', 'gap'];

let source: EventSource | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let wait = 1000;
let paused = false;

export function on<K extends Kind>(kind: K, listener: (data: Kinds[K]) => void): () => void {
  const all = listeners.get(kind) ?? new Set();
  listeners.set(kind, all.add(listener as Listener));
  return () => all.delete(listener as Listener);
}

function tell(kind: Kind, data: unknown): void {
  for (const listener of listeners.get(kind) ?? []) listener(data as never);
}

function receive(kind: Kind, text: string): void {
  if (paused && kind !== 'hello') {
    missed.value += 1;
    return;
  }
  try {
    tell(kind, JSON.parse(text));
  } catch {
    // An event that cannot be read is one that was missed.
    tell('gap', { missed: 1 });
  }
}

export function open(): void {
  if (source || !session.value) return;
  state.value = paused ? 'paused' : 'connecting';
  source = new EventSource('/api/v1/events');
  source.onopen = () => {
    wait = 1000;
    state.value = paused ? 'paused' : 'live';
  };
  source.onerror = () => {
    if (source?.readyState === EventSource.CONNECTING) {
      if (!paused) state.value = 'lost';
      return;
    }
    close();
    state.value = 'lost';
    // The browser gave up: it was refused. Perhaps the session has ended.
    retry = setTimeout(() => void loadSession().then(open, open), wait);
    wait = Math.min(wait * 2, 30_000);
  };
  for (const kind of kinds) source.addEventListener(kind, (event) => receive(kind, (event as MessageEvent<string>).data));
}

export function close(): void {
  clearTimeout(retry);
  source?.close();
  source = undefined;
  state.value = 'off';
}

export function toggle(): void {
  paused = !paused;
  if (!source) return;
  state.value = paused ? 'paused' : 'live';
  if (!paused && missed.value) {
    const count = missed.value;
    missed.value = 0;
    tell('gap', { missed: count });
  }
}
