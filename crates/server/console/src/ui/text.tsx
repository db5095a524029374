// Texts that come from logs, and values of every kind.
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { visible } from '../core/inert';
import { count, text as textOf } from '../core/ask';
import { ago, full } from '../core/time';
import { Button, copy } from './basics';
import { Dialog } from './dialog';
import { Marks } from './marks';

/** More is never put into a page at once. */
const PAGE = 20_000;

/** Text that was written by anybody. What is longer than `limit` is cut and can be opened. */
export function Text({ text, limit = 600, block = false, label = 'Text' }: { text: string; limit?: number; block?: boolean; label?: string }) {
  const isCut = text.length > limit;
  const shown = isCut ? whole(text.slice(0, limit)) : text;
  const inner = <><Marks text={shown} />{isCut && <>… <ShowAll text={text} label={label} /></>}</>;
  return block ? <div class="log block" dir="ltr">{inner}</div> : <span class="log" dir="ltr">{inner}</span>;
}

/** Sentences, in which names stand in backticks. Files wrap their lines; here the window does. */
export function Prose({ text: written, limit = 600, label = 'Text' }: { text: string; limit?: number; label?: string }) {
  const text = unwrapped(written);
  if (text.length > limit || !text.includes('`')) return <Text text={text} limit={limit} label={label} />;
  return <>{text.split('`').map((part, index) => (index % 2 ? <code key={index} class="word"><Text text={part} limit={80} /></code> : <Text key={index} text={part} />))}</>;
}

/** Paragraphs and items of lists keep their lines, all other lines are joined. */
const unwrapped = (text: string) => text.trim().replace(/[ \t]*\n(?![\s>#*-]|\d+[.)])(?<!\n\n)/g, ' ');

/** Does not cut a pair of code units in two. */
const whole = (text: string) => (/[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text);

/** The long text that is open; it is shown above everything, whatever it was opened from. */
export const opened = signal<{ text: string; label: string } | undefined>(undefined);

function ShowAll({ text, label }: { text: string; label: string }) {
  const open = (event: MouseEvent) => {
    event.stopPropagation();
    opened.value = { text, label };
  };
  return <button type="button" class="link small" onClick={open}>show all {count(text.length)} characters</button>;
}

/** A long text, a part at a time. */
export function Viewer({ text, label, onClose }: { text: string; label: string; onClose: () => void }) {
  const [at, setAt] = useState(0);
  const last = Math.max(0, Math.ceil(text.length / PAGE) - 1);
  const part = whole(text.slice(at * PAGE, (at + 1) * PAGE));
  return (
    <Dialog title={label} wide onClose={onClose} actions={
      <>
        {last > 0 && <span class="muted push">Part {at + 1} of {last + 1}</span>}
        {last > 0 && <Button disabled={at === 0} onClick={() => setAt(at - 1)}>Before</Button>}
        {last > 0 && <Button disabled={at === last} onClick={() => setAt(at + 1)}>After</Button>}
        <Button onClick={() => copy(text)}>Copy as it is</Button>
      </>
    }>
      <div class="viewer log" dir="ltr" tabIndex={0} role="region" aria-label={`${visible(label)}, ${count(text.length)} characters`}><Marks text={part} /></div>
    </Dialog>
  );
}

/** A value of a table, in a line. */
export function Cell({ value, type, limit = 160 }: { value: unknown; type?: string; limit?: number }) {
  if (value === null || value === undefined) return <span class="null">null</span>;
  if (type === 'datetime' && typeof value === 'string') return <span class="num">{value.replace('T', ' ').replace(/(\.\d{3})\d*Z$/, '$1Z')}</span>;
  if (typeof value === 'number') return <span class="num">{value}</span>;
  if (typeof value === 'boolean') return <span class="num">{String(value)}</span>;
  const found = textOf(value);
  return <span class="log" dir="ltr"><Marks text={found.length > limit ? `${whole(found.slice(0, limit))}…` : found} /></span>;
}

/** A value in full: dynamic values as indented JSON. */
export function Full({ value, type, label }: { value: unknown; type?: string; label: string }) {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return <Cell value={value} type={type} />;
  if (typeof value === 'object') return <Text block text={JSON.stringify(value, null, 2)} limit={1500} label={label} />;
  return <Text text={String(value)} limit={800} label={label} />;
}

/** A time, as it is for whoever looks, with the exact one behind it. */
export function Time({ at, style = 'ago' }: { at: string | null | undefined; style?: 'ago' | 'full' }) {
  if (!at) return <span class="null">never</span>;
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return <Text text={at} limit={40} />;
  return <time class="num" dateTime={at} title={`${full(time)} here, ${at} in UTC`}>{style === 'ago' ? ago(time) : full(time)}</time>;
}
