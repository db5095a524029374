// Code and changes of files, with numbered lines. Long ones are cut and can be opened.
import type { ComponentChildren } from 'preact';
import { Button, copy } from './basics';
import { visible } from '../core/inert';
import { Text, opened } from './text';

const LINES = 60;

function Frame({ text, label, children }: { text: string; label: string; children: ComponentChildren }) {
  return (
    <div class="code-box">
      <div class="code-tools"><span class="muted">{visible(label)}</span><Button kind="quiet" icon="copy" label={`Copy: ${label}`} onClick={() => copy(text)} /></div>
      <pre class="code" tabIndex={0} role="region" aria-label={visible(label)} dir="ltr">{children}</pre>
    </div>
  );
}

export function Code({ text, label, first, mark }: { text: string; label: string; first?: number; mark?: number }) {
  const lines = text.split('\n');
  return (
    <Frame text={text} label={label}>
      {lines.slice(0, LINES).map((line, index) => (
        <div key={index} class={first !== undefined && first + index === mark ? 'code-line marked' : 'code-line'}>{first !== undefined && <i>{first + index}</i>}<Text text={line} limit={400} label={label} /></div>
      ))}
      {lines.length > LINES && <button type="button" class="link" onClick={() => (opened.value = { text, label })}>{lines.length - LINES} more lines</button>}
    </Frame>
  );
}

const kind = (line: string) => (/^(---|\+\+\+|@@|diff )/.test(line) ? 'meta' : line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : '');

/** A unified diff. What was added and removed is told by its sign, not by colour alone. */
export function Diff({ text, label }: { text: string; label: string }) {
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    <Frame text={text} label={label}>
      {lines.slice(0, LINES * 2).map((line, index) => <div key={index} class={`code-line ${kind(line)}`}><Text text={line} limit={400} label={label} /></div>)}
      {lines.length > LINES * 2 && <button type="button" class="link" onClick={() => (opened.value = { text, label })}>{lines.length - LINES * 2} more lines</button>}
    </Frame>
  );
}
