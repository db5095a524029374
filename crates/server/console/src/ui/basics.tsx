// The small parts that every page is made of.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { href } from '../core/route';
import type { Problem } from '../core/api';
import { visible } from '../core/inert';
import { Icon, type IconName } from './icons';
import { Marks } from './marks';

type Kids = { children?: ComponentChildren };

export function Button({ children, kind = 'plain', icon, label, ...rest }: Kids & {
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  icon?: IconName;
  label?: string;
  disabled?: boolean;
  type?: 'button' | 'submit';
  pressed?: boolean;
  expanded?: boolean;
  title?: string;
  onClick?: (event: MouseEvent) => void;
}) {
  const { type = 'button', pressed, expanded, title, disabled, onClick } = rest;
  return (
    <button type={type} class={`button ${kind}${children ? '' : ' only-icon'}`} disabled={disabled} aria-label={label && visible(label)} aria-pressed={pressed} aria-expanded={expanded}
      title={title ?? (children || !label ? undefined : visible(label))} onClick={onClick}>
      {icon && <Icon name={icon} />}{children}
    </button>
  );
}

/** Where a number or a table comes from: opens hunting with the query. */
export function Kql({ query, timed = true, children, label }: Kids & { query: string; timed?: boolean; label?: string }) {
  const target = href('hunting', timed ? { q: query } : { q: query, range: 'all', from: undefined, to: undefined });
  if (children !== undefined) return <a class="figure-link" href={target} title="Show KQL">{children}<span class="hidden">. Show KQL</span></a>;
  return <a class="kql-link" href={target} title="Show KQL" aria-label={visible(`Show KQL${label ? ` of ${label}` : ''}`)}><Icon name="kql" /><span>KQL</span></a>;
}

export function Card({ title, named, note, kql, timed, actions, children, class: name = '' }: Kids & {
  title: string;
  /** What tells it from others of the same title, for those who hear the page. */
  named?: string;
  note?: ComponentChildren;
  kql?: string;
  timed?: boolean;
  actions?: ComponentChildren;
  class?: string;
}) {
  const id = useId();
  return (
    <section class={`card ${name}`} aria-label={named} aria-labelledby={named ? undefined : id}>
      <header class="card-head">
        <div><h2 id={id} class="log" dir="ltr"><Marks text={title} /></h2>{note && <p class="note">{note}</p>}</div>
        <div class="card-actions">{actions}{kql && <Kql query={kql} timed={timed} label={title} />}</div>
      </header>
      {children}
    </section>
  );
}

const severities: Record<string, string> = { critical: 'critical', high: 'high', medium: 'medium', low: 'low', informational: 'info', info: 'info', none: 'ok' };
export function Severity({ of }: { of: string }) {
  const name = severities[of.toLowerCase()] ?? 'info';
  const word = of ? of[0]!.toUpperCase() + of.slice(1).toLowerCase() : 'None';
  return <span class={`severity ${name}`}><span class="severity-bars" aria-hidden="true"><i /><i /><i /><i /></span>{word === 'Informational' ? 'Info' : word}</span>;
}

export type Tone = 'good' | 'bad' | 'warn' | 'calm' | 'plain' | 'accent';
export function Pill({ tone = 'plain', children, title }: Kids & { tone?: Tone; title?: string }) {
  return <span class={`pill ${tone}`} title={title}>{children}</span>;
}

export function Skeleton({ lines = 4, tall }: { lines?: number; tall?: boolean }) {
  return (
    <div class={`skeleton${tall ? ' tall' : ''}`} role="status">
      <span class="hidden">Loading</span>
      {Array.from({ length: lines }, (_, index) => <i key={index} class={`w${(index * 7) % 5}`} />)}
    </div>
  );
}

export function Empty({ title, children, icon = 'check' }: Kids & { title: string; icon?: IconName }) {
  return <div class="empty"><Icon name={icon} /><p class="empty-title">{title}</p>{children && <div class="note">{children}</div>}</div>;
}

/** What went wrong, why, and what to do. */
export function Failed({ what, problem, retry }: { what: string; problem: Problem | string; retry?: () => void }) {
  const message = typeof problem === 'string' ? problem : problem.message;
  const status = typeof problem === 'string' ? undefined : problem.status;
  const todo = status === 403 ? 'Ask an administrator of this server for the role that it needs.' : status === 0 ? 'Nothing is lost: what you chose is in the address.' : 'Try again; if it stays so, the log of castellan says more.';
  return (
    <div class="failed" role="alert">
      <Icon name="incidents" />
      <div><p class="empty-title">{what}</p><p><Marks text={message.slice(0, 2000)} /></p><p class="note">{todo}</p></div>
      {retry && status !== 403 && <Button onClick={retry} icon="refresh">Try again</Button>}
    </div>
  );
}

export function Field({ label, hint, children, wide }: Kids & { label: string; hint?: string; wide?: boolean }) {
  return <label class={`field${wide ? ' wide' : ''}`}><span class="field-label">{label}</span>{children}{hint && <span class="note">{hint}</span>}</label>;
}

export function Select({ value, options, onChange, label, disabled }: { value: string; options: [string, string][]; onChange: (value: string) => void; label?: string; disabled?: boolean }) {
  return (
    <select class="input" value={value} disabled={disabled} aria-label={label} onChange={(event) => onChange(event.currentTarget.value)}>
      {options.map(([name, shown]) => <option key={name} value={name}>{visible(shown)}</option>)}
    </select>
  );
}

/** A filter that is a text; `/` goes to it. Told a moment after the last key. */
export function Search({ value, onChange, label }: { value: string; onChange: (value: string) => void; label: string }) {
  const [typed, setTyped] = useState(value);
  // What was told comes back as the value, perhaps after more was typed: only what came from elsewhere replaces it.
  const told = useRef(value);
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    setTyped(value);
  }, [value]);
  useEffect(() => {
    if (typed === told.current) return;
    const timer = setTimeout(() => {
      told.current = typed;
      onChange(typed);
    }, 180);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <div class="search">
      <Icon name="hunting" />
      <input class="input" type="search" data-search placeholder={label} aria-label={label} aria-keyshortcuts="/" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

/** Values to choose among, with how many there are of each. */
export function Choices({ label, options, value, onChange }: { label: string; options: { name: string; shown?: ComponentChildren; count?: number }[]; value: string | undefined; onChange: (value: string | undefined) => void }) {
  return (
    <div class="choices" role="group" aria-label={label}>
      {options.map((option) => (
        <button key={option.name} type="button" class="choice" aria-pressed={value === option.name} onClick={() => onChange(value === option.name ? undefined : option.name)}>
          {option.shown ?? option.name}{option.count !== undefined && <span class="count">{option.count}</span>}
        </button>
      ))}
    </div>
  );
}

export function Tabs({ label, tabs, value, onChange }: { label: string; tabs: [string, string, number?][]; value: string; onChange: (value: string) => void }) {
  const move = (event: KeyboardEvent, index: number) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const next = tabs[(index + step + tabs.length) % tabs.length]!;
    onChange(next[0]);
    const bar = (event.currentTarget as HTMLElement).parentElement!;
    (bar.children[(index + step + tabs.length) % tabs.length] as HTMLElement).focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label}>
      {tabs.map(([name, shown, count], index) => (
        <button key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={value === name} tabIndex={value === name ? 0 : -1}
          onClick={() => onChange(name)} onKeyDown={(event) => move(event, index)}>
          {shown}{count !== undefined && <span class="count">{count}</span>}
        </button>
      ))}
    </div>
  );
}
export function TabPanel({ of, children }: Kids & { of: string }) {
  return <div role="tabpanel" aria-labelledby={`tab-${of}`} class="tab-panel">{children}</div>;
}

/** Says what has just happened; read out as well. */
export const notice = signal<{ text: string; tone: Tone } | undefined>(undefined);
let timer: ReturnType<typeof setTimeout> | undefined;
export function tellPeople(text: string, tone: Tone = 'good'): void {
  clearTimeout(timer);
  notice.value = { text, tone };
  timer = setTimeout(() => (notice.value = undefined), tone === 'bad' ? 12_000 : 5000);
}

/** Into the clipboard, which browsers give to encrypted pages and to this machine alone. */
export function copy(text: string, told = 'Copied.'): void {
  const refused = () => tellPeople('This browser copies nothing from here: select the text and copy it.', 'warn');
  if (!navigator.clipboard) return refused();
  navigator.clipboard.writeText(text).then(() => tellPeople(told), refused);
}

/** Does something that changes the server, and says how it went. */
export function useWork(): { isWorking: boolean; work: (does: () => Promise<string | void>) => Promise<boolean> } {
  const [isWorking, setWorking] = useState(false);
  const work = async (does: () => Promise<string | void>) => {
    setWorking(true);
    try {
      const told = await does();
      if (told) tellPeople(told);
      return true;
    } catch (error) {
      tellPeople(error instanceof Error ? error.message : String(error), 'bad');
      return false;
    } finally {
      setWorking(false);
    }
  };
  return { isWorking, work };
}
