// Dialogs and the pane beside a list.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Button } from './basics';
import { Marks } from './marks';

export function Dialog({ title, children, actions, onClose, wide }: { title: string; children: ComponentChildren; actions?: ComponentChildren; onClose: () => void; wide?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    const shown = dialog.current;
    shown?.showModal();
    // People read first, or write: the button that closes is not what they came for.
    shown?.querySelector<HTMLElement>('.dialog-body input:not([type=checkbox]), .dialog-body select, .dialog-body textarea, h2')?.focus();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class={wide ? 'wide' : ''} aria-labelledby={id} onCancel={(event) => { event.preventDefault(); onClose(); }}
      onKeyDown={(event) => event.stopPropagation()} onClick={(event) => { event.stopPropagation(); if (event.target === dialog.current) onClose(); }}>
      <div class="dialog-inside">
        <header><h2 id={id} tabIndex={-1} class="log" dir="ltr"><Marks text={title.slice(0, 300)} /></h2><Button kind="quiet" icon="close" label="Close" onClick={onClose} /></header>
        <div class="dialog-body">{children}</div>
        {actions && <footer>{actions}</footer>}
      </div>
    </dialog>
  );
}

/** Asks for what is needed to do something, then does it. */
export function Form({ title, action, danger, children, onSubmit, onClose, isWorking, wide }: {
  title: string;
  action: string;
  danger?: boolean;
  children: ComponentChildren;
  onSubmit: () => void;
  onClose: () => void;
  isWorking?: boolean;
  wide?: boolean;
}) {
  const id = useId();
  return (
    <Dialog title={title} onClose={onClose} wide={wide} actions={
      <>
        <Button onClick={onClose}>Cancel</Button>
        <button class={`button ${danger ? 'danger' : 'primary'}`} type="submit" form={id} disabled={isWorking}>{isWorking ? 'Working…' : action}</button>
      </>
    }>
      <form id={id} class="form" onSubmit={(event) => { event.preventDefault(); onSubmit(); }}>{children}</form>
    </Dialog>
  );
}

/** What is selected in a list, beside it; on narrow screens above everything. */
export function Pane({ title, head, children, onClose, label }: { title: ComponentChildren; head?: ComponentChildren; children: ComponentChildren; onClose: () => void; label: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <aside class="pane" aria-label={label} data-pane>
      <header class="pane-head">
        <div class="pane-title"><h2 ref={heading} tabIndex={-1}>{title}</h2><Button kind="quiet" icon="close" label="Close (Esc)" onClick={onClose} /></div>
        {head}
      </header>
      <div class="pane-body" tabIndex={0} role="region" aria-label={`${label}, details`}>{children}</div>
    </aside>
  );
}
