// Asks the server. Every answer has the shape that docs/api/openapi.yaml describes; `npm run types` derives `../api.d.ts` from it.
import { signal } from '@preact/signals';
import type { components } from '../api';

export type Schemas = components['schemas'];
export type Session = Schemas['Session'];
export type Answer = Schemas['Answer'];
export type Column = Schemas['Column'];
export type Diagnostic = Schemas['Diagnostic'];
export type Value = unknown;

/** Why there is no answer: the message is what the server says, for people. */
export class Problem extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly position?: Schemas['Position'],
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

export type SignedOut = { oidc?: Schemas['OidcWay']; version?: string; demo?: boolean; why?: string };

/** Who is signed in; `undefined` until that is known. */
export const session = signal<Session | undefined>(undefined);
/** How to sign in, where nobody is. */
export const signedOut = signal<SignedOut | undefined>(undefined);

type Method = 'GET' | 'POST' | 'DELETE';

async function send(method: Method, path: string, body?: unknown, abort?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const csrf = session.value?.csrf;
  if (method !== 'GET' && csrf) headers['x-castellan-csrf'] = csrf;
  try {
    return await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: abort,
      credentials: 'same-origin',
      cache: 'no-store',
    });
  } catch (error) {
    if (abort?.aborted) throw error;
    throw new Problem('The server does not answer. Is castellan still running, and is the network there?', 0);
  }
}

async function problem(response: Response): Promise<Problem> {
  const retry = Number(response.headers.get('retry-after')) || undefined;
  try {
    const fault = ((await response.json()) as Schemas['Error']).error;
    return new Problem(fault.message, response.status, fault.position, retry);
  } catch {
    return new Problem(`The server answered ${response.status} without saying why.`, response.status, undefined, retry);
  }
}

async function ask<T>(method: Method, path: string, body?: unknown, abort?: AbortSignal): Promise<T> {
  const response = await send(method, path, body, abort);
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  const why = await problem(response);
  if (response.status === 401 && session.value) {
    const { oidc, version, demo } = session.value;
    session.value = undefined;
    signedOut.value = { oidc, version, demo, why: 'Your session has ended. Sign in to go on where you were.' };
  }
  throw why;
}

const get = <T>(path: string, abort?: AbortSignal) => ask<T>('GET', path, undefined, abort);
const post = <T>(path: string, body: unknown = {}, abort?: AbortSignal) => ask<T>('POST', path, body, abort);
const one = encodeURIComponent;

/** Finds out who is signed in, and how to sign in where nobody is. */
export async function loadSession(): Promise<void> {
  const response = await send('GET', '/api/v1/session');
  if (response.ok) {
    session.value = (await response.json()) as Session;
    signedOut.value = undefined;
    return;
  }
  if (response.status !== 401) throw await problem(response);
  const { oidc, version, demo } = (await response.json()) as Schemas['NoSession'];
  session.value = undefined;
  signedOut.value = { ...signedOut.value, oidc, version, demo };
}

export async function signIn(by: Schemas['SignIn']): Promise<void> {
  await post('/api/v1/session', by);
  await loadSession();
}

export async function signOut(): Promise<void> {
  await ask('DELETE', '/api/v1/session');
  session.value = undefined;
  signedOut.value = {};
  await loadSession();
}

const ranks = { reader: 0, responder: 1, administrator: 2 };
/** Whether who is signed in may do what needs this role. The server decides; this only hides what it would refuse. */
export function may(role: Schemas['Role']): boolean {
  return ranks[session.value?.role ?? 'reader'] >= ranks[role];
}

export type IncidentFilter = { status?: string; severity?: string; owner?: string; text?: string; label?: string; top?: number; skip?: number };

function search(filter: Record<string, string | number | undefined>): string {
  const parts = Object.entries(filter).filter(([, value]) => value !== undefined && value !== '');
  return parts.length ? `?${new URLSearchParams(parts.map(([name, value]) => [name, String(value)]))}` : '';
}

export const api = {
  query: (query: Schemas['Query'], abort?: AbortSignal) => post<Answer>('/api/v1/query', query, abort),
  queries: (queries: Schemas['Queries']['queries'], abort?: AbortSignal) => post<Schemas['Answers']>('/api/v1/queries', { queries }, abort),
  complete: (text: string, offset: number) => post<Schemas['Completions']>('/api/v1/query/complete', { text, offset }),
  check: (text: string) => post<Schemas['Diagnostics']>('/api/v1/query/check', { text }),
  schema: () => get<Schemas['Schema']>('/api/v1/schema'),
  incidents: (filter: IncidentFilter, abort?: AbortSignal) => get<Schemas['IncidentList']>(`/api/v1/incidents${search(filter)}`, abort),
  incident: (id: string | number, abort?: AbortSignal) => get<Schemas['Incident']>(`/api/v1/incidents/${one(id)}`, abort),
  timeline: (id: string | number, abort?: AbortSignal) => get<Schemas['Timeline']>(`/api/v1/incidents/${one(id)}/timeline`, abort),
  graph: (id: string | number, abort?: AbortSignal) => get<Schemas['IncidentGraph']>(`/api/v1/incidents/${one(id)}/graph`, abort),
  order: (id: string | number, order: Schemas['IncidentOrder']['order'], seen?: number) =>
    post<Schemas['IncidentSummary']>(`/api/v1/incidents/${one(id)}/orders`, { order, seen }),
  keepEvidence: (id: string | number, text: string) => post<Schemas['ExhibitList']>(`/api/v1/incidents/${one(id)}/evidence`, { text, kind: 'note' }),
  recommendation: (id: string, abort?: AbortSignal) => get<Schemas['Recommendation']>(`/api/v1/recommendations/${one(id)}`, abort),
  exempt: (id: string, body: Schemas['Exempt']) => post<Schemas['Recommendation']>(`/api/v1/recommendations/${one(id)}/exempt`, body),
  liftExemption: (id: string) => ask<Schemas['Recommendation']>('DELETE', `/api/v1/recommendations/${one(id)}/exempt`),
  estate: (abort?: AbortSignal) => get<Schemas['Estate']>('/api/v1/estate', abort),
  scan: () => post<Schemas['Estate']>('/api/v1/estate/scan'),
  gate: (abort?: AbortSignal) => get<Schemas['Gate']>('/api/v1/gate', abort),
  keys: (abort?: AbortSignal) => get<Schemas['KeyList']>('/api/v1/gate/keys', abort),
  issueKey: (body: Schemas['IssueKey']) => post<Schemas['IssuedKey']>('/api/v1/gate/keys', body),
  revokeKey: (id: string, body: Schemas['RevokeKey']) => post<Schemas['Key']>(`/api/v1/gate/keys/${one(id)}/revoke`, body),
  rotateKey: (id: string, body: Schemas['RotateKey']) => post<Schemas['IssuedKey']>(`/api/v1/gate/keys/${one(id)}/rotate`, body),
  orders: (abort?: AbortSignal) => get<Schemas['OrderList']>('/api/v1/gate/orders', abort),
  giveOrder: (body: Schemas['GiveOrder']) => post<Schemas['Order']>('/api/v1/gate/orders', body),
  liftOrder: (id: string) => ask<void>('DELETE', `/api/v1/gate/orders/${one(id)}`),
  tryGate: (body: Schemas['TryGate'], abort?: AbortSignal) => post<Schemas['Tried']>('/api/v1/gate/try', body, abort),
  rules: (abort?: AbortSignal) => get<Schemas['RuleList']>('/api/v1/rules', abort),
  checkRule: (body: Schemas['NewRule'], abort?: AbortSignal) => post<Schemas['CheckedRule']>('/api/v1/rules/check', body, abort),
  saveRule: (body: Schemas['NewRule']) => post<Schemas['SavedRule']>('/api/v1/rules', body),
  removeRule: (id: string) => ask<void>('DELETE', `/api/v1/rules/${one(id)}`),
  settings: (abort?: AbortSignal) => get<Schemas['Settings']>('/api/v1/settings', abort),
};
