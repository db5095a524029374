// Navigation, the bar above a page, and the help.
import { useEffect, useRef, useState } from 'preact/hooks';
import { session, signOut } from '../core/api';
import { href, pages, route, set, type Page } from '../core/route';
import { missed, state, toggle } from '../core/live';
import { help, isHelpOpen } from '../core/keys';
import { full, range, ranges, setRange } from '../core/time';
import { isDark, switchTheme, theme } from '../core/theme';
import { useQueries, number } from '../core/ask';
import { visible } from '../core/inert';
import { queries } from '../core/queries';
import { Button, tellPeople } from './basics';
import { Dialog, Form } from './dialog';
import { Icon, Logo } from './icons';

export const titles: Record<Page, string> = {
  overview: 'Overview', incidents: 'Incidents', hunting: 'Hunting', recommendations: 'Recommendations', inventory: 'Inventory', gate: 'Gate', content: 'Content', settings: 'Settings',
};

export function Nav({ onIntent }: { onIntent: (page: Page) => void }) {
  const [isOpen, setOpen] = useState(false);
  const current = route.value.page;
  useEffect(() => setOpen(false), [route.value]);
  const { data } = useQueries({ open: { query: queries.openIncidentCount } }, ['incident']);
  const open = number(data?.open.rows[0]?.['Count']);
  return (
    <nav class={`nav${isOpen ? ' open' : ''}`} aria-label="Pages">
      <a class="brand" href={href('overview')}><Logo /><span>Castellan</span></a>
      <Button kind="quiet" icon={isOpen ? 'close' : 'menu'} label={isOpen ? 'Close the menu' : 'Open the menu'} expanded={isOpen} onClick={() => setOpen(!isOpen)} />
      <ul>
        {pages.map((page) => (
          <li key={page}>
            <a href={href(page)} aria-current={current === page ? 'page' : undefined} title={titles[page]} onPointerEnter={() => onIntent(page)} onFocus={() => onIntent(page)}>
              <Icon name={page} /><span>{titles[page]}</span>
              {page === 'incidents' && open > 0 && <span class="badge" aria-label={`${open} open`}>{open}</span>}
            </a>
          </li>
        ))}
      </ul>
      <p class="version">{session.value?.version}</p>
    </nav>
  );
}

/** Pages that ask about a time. */
const timed: Page[] = ['overview', 'hunting', 'gate', 'content'];

export function TopBar() {
  const { page, id } = route.value;
  return (
    <header class="top">
      <h1>{page === 'incidents' && id ? <><a href={href('incidents')}>Incidents</a> <span class="muted">/</span> {visible(id.slice(0, 40))}</> : titles[page]}</h1>
      <div class="top-tools">
        {timed.includes(page) && <RangePicker />}
        <Live />
        <Button kind="quiet" icon={isDark() ? 'sun' : 'moon'} label={`Use the ${isDark() ? 'light' : 'dark'} theme`} onClick={switchTheme} key={theme.value} />
        <Button kind="quiet" icon="help" label="Keyboard shortcuts (?)" onClick={() => (isHelpOpen.value = true)} />
        <Account />
      </div>
    </header>
  );
}

function RangePicker() {
  const at = range();
  const [isChoosing, setChoosing] = useState(false);
  const isAll = route.value.params['range'] === 'all' && route.value.page === 'hunting';
  return (
    <>
      <select class="input range" aria-label="Time range" value={isAll ? 'all' : at.name} onChange={(event) => {
        const { value } = event.currentTarget;
        if (value === 'custom') setChoosing(true);
        else setRange(value);
        event.currentTarget.value = isAll ? 'all' : range().name;
      }}>
        {Object.entries(ranges).map(([name, { label }]) => <option key={name} value={name}>{label}</option>)}
        {route.value.page === 'hunting' && <option value="all">All time</option>}
        <option value="custom">{at.name === 'custom' ? at.label : 'From … to …'}</option>
      </select>
      {at.name === 'custom' && <Button kind="quiet" icon="settings" label="Change from and to" onClick={() => setChoosing(true)} />}
      {isChoosing && <RangeForm onClose={() => setChoosing(false)} />}
    </>
  );
}

function RangeForm({ onClose }: { onClose: () => void }) {
  const at = range();
  const [from, setFrom] = useState(full(at.from).replace(' ', 'T').slice(0, 16));
  const [to, setTo] = useState(full(at.to).replace(' ', 'T').slice(0, 16));
  const submit = () => {
    const [start, end] = [new Date(from), new Date(to)];
    if (!(start < end)) return tellPeople('The range ends before it begins: choose a later end.', 'bad');
    set({ range: undefined, from: start.toISOString(), to: end.toISOString() }, 'push');
    onClose();
  };
  return (
    <Form title="Time range" action="Use" onSubmit={submit} onClose={onClose}>
      <label class="field"><span class="field-label">From, in your time</span><input class="input" type="datetime-local" required value={from} onInput={(event) => setFrom(event.currentTarget.value)} /></label>
      <label class="field"><span class="field-label">To</span><input class="input" type="datetime-local" required value={to} onInput={(event) => setTo(event.currentTarget.value)} /></label>
    </Form>
  );
}

const words = { off: 'Off', connecting: 'Connecting', live: 'Live', paused: 'Paused', lost: 'Reconnecting' };
const told = { off: 'No live updates', connecting: 'Connecting to live updates', live: 'Live updates: press to pause (p)', paused: 'Paused: press to go on (p)', lost: 'The connection was lost; it is tried again' };

function Live() {
  const now = state.value;
  return (
    <button type="button" class={`live ${now}`} aria-pressed={now === 'paused'} aria-label={`Live updates: ${words[now]}`} title={told[now]} onClick={toggle}>
      <i aria-hidden="true" /><span>{words[now]}</span>{now === 'paused' && missed.value > 0 && <span class="count">{missed.value} new</span>}
    </button>
  );
}

function Account() {
  const menu = useRef<HTMLDetailsElement>(null);
  const who = session.value;
  const close = () => {
    if (menu.current) menu.current.open = false;
  };
  const leave = () => void signOut().catch((error: unknown) => tellPeople(String(error), 'bad'));
  return (
    <details class="account" ref={menu} onKeyDown={(event) => event.key === 'Escape' && close()} onBlurCapture={(event) => !menu.current?.contains(event.relatedTarget as Node | null) && event.relatedTarget && close()}>
      <summary aria-label={`Account: ${who?.name}, ${who?.role}`}><Icon name="user" /></summary>
      <div class="menu">
        <p><b>{who?.name}</b><br /><span class="muted">{who?.role}</span></p>
        <a href={href('settings', { tab: 'access' })} onClick={close}>What may I do?</a>
        {who?.way === 'local' || who?.way === 'bearer' ? <p class="note">No token is set: everybody on this machine is let in.</p> : <button type="button" onClick={leave}>Sign out</button>}
      </div>
    </details>
  );
}

export function Help() {
  if (!isHelpOpen.value) return null;
  return (
    <Dialog title="Keyboard shortcuts" wide onClose={() => (isHelpOpen.value = false)}>
      <div class="help">
        {help.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>{keys.map(([key, what]) => <div key={key}><dt>{key.split(' ').map((part) => (part === '/' && key !== '/' ? ' or ' : <kbd key={part}>{part}</kbd>))}</dt><dd>{what}</dd></div>)}</dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
