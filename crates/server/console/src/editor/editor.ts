// The editor of hunting, in a bundle of its own: CodeMirror, with completion and diagnostics from the server. It stands in a shadow root,
// because there its styles are style sheets made by script, which the page's policy allows; elements with styles in them are not.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertTab } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { forceLinting, linter, lintKeymap, setDiagnostics, type Action, type Diagnostic } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { components } from '../api';
import { kql } from './kql';

type Schemas = components['schemas'];

export type Options = {
  parent: HTMLElement;
  text: string;
  onChange: (text: string) => void;
  onRun: () => void;
  complete: (text: string, offset: number) => Promise<Schemas['Completions']>;
  check: (text: string) => Promise<Schemas['Diagnostics']>;
  onChecked: (diagnostics: Schemas['Diagnostic'][]) => void;
};
export type Editor = { text: () => string; set: (text: string) => void; insert: (text: string) => void; show: (start: number, end: number) => void; focus: () => void; destroy: () => void };

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--code-keyword)', fontWeight: '600' },
  { tag: tags.atom, color: 'var(--code-word)' },
  { tag: tags.string, color: 'var(--code-string)' },
  { tag: tags.number, color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--code-comment)', fontStyle: 'italic' },
  { tag: tags.function(tags.variableName), color: 'var(--code-function)' },
  { tag: tags.operator, color: 'var(--muted)' },
]);

const look = EditorView.theme({
  '&': { fontSize: '13px', backgroundColor: 'var(--panel)', color: 'var(--text)', height: '100%' },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '-2px' },
  '.cm-content': { fontFamily: 'var(--mono)', padding: '8px 0', caretColor: 'var(--text)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5', overflow: 'auto' },
  '.cm-gutters': { backgroundColor: 'var(--panel)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'var(--hover)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--selection)' },
  '.cm-matchingBracket': { backgroundColor: 'var(--selection) !important' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '.cm-specialChar': { color: 'var(--bad-text)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '6px', boxShadow: 'var(--shadow)', overflow: 'hidden', maxWidth: 'min(560px, 92vw)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '260px' },
  '.cm-tooltip-autocomplete ul li': { padding: '3px 8px !important' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent) !important', color: 'var(--on-accent) !important' },
  '.cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail': { color: 'var(--on-accent)' },
  '.cm-completionDetail': { color: 'var(--muted)', marginLeft: '12px', fontStyle: 'normal' },
  '.cm-completionInfo': { padding: '8px 10px', whiteSpace: 'pre-wrap', fontFamily: 'var(--sans)' },
  '.cm-diagnostic': { padding: '6px 10px', fontFamily: 'var(--sans)' },
  '.cm-diagnosticAction': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)', borderRadius: '4px', padding: '2px 8px' },
});

const types: Record<string, string> = { column: 'property', variable: 'variable', value: 'constant', keyword: 'keyword', operator: 'keyword', table: 'class', aggregate: 'function', function: 'function', plugin: 'function', type: 'type' };

export function openEditor(options: Options): Editor {
  const root = options.parent.shadowRoot ?? options.parent.attachShadow({ mode: 'open' });
  root.replaceChildren();

  async function proposals(context: CompletionContext): Promise<CompletionResult | null> {
    const before = context.matchBefore(/[\w-]+/);
    const isAsked = context.explicit || before || /[|(,.\s]$/.test(context.state.sliceDoc(Math.max(0, context.pos - 1), context.pos));
    if (!isAsked) return null;
    try {
      const found = await options.complete(context.state.doc.toString(), context.pos);
      if (context.aborted || !found.items.length || (!context.explicit && !before && context.pos === 0)) return null;
      return {
        from: found.from,
        to: found.to,
        filter: false,
        options: found.items.map((item, index) => ({ label: item.label, detail: item.detail, type: types[item.kind], apply: item.insert, info: item.doc || undefined, boost: -index })),
      };
    } catch {
      return null;
    }
  }

  async function faults(view: EditorView): Promise<Diagnostic[]> {
    const text = view.state.doc.toString();
    if (!text.trim()) {
      options.onChecked([]);
      return [];
    }
    try {
      const { diagnostics } = await options.check(text);
      options.onChecked(diagnostics);
      const end = view.state.doc.length;
      return diagnostics.map((one) => ({ from: Math.min(one.start, end), to: Math.min(Math.max(one.end, one.start), end), severity: one.severity, message: one.help ? `${one.message}\n${one.help}` : one.message, actions: one.fixes?.map(action) }));
    } catch {
      return [];
    }
  }

  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => (options.onRun(), true) }, { key: 'Shift-Enter', run: () => (options.onRun(), true) }, { key: 'Ctrl-Space', run: startCompletion }])),
        lineNumbers(), history(), drawSelection(), highlightActiveLine(), bracketMatching(), closeBrackets(), placeholder('Table\n| where …'),
        // Invisible characters are shown as marks, as everywhere.
        highlightSpecialChars({ addSpecialChars: /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e0fff}]/gu }),
        kql, syntaxHighlighting(colours), look, EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': 'Query in KQL. Escape, then Tab, leaves the editor.', 'data-editor': '' }),
        autocompletion({ override: [proposals], icons: false, activateOnTypingDelay: 120 }),
        linter(faults, { delay: 350 }),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap, { key: 'Tab', run: tab }, { key: 'Escape', run: (found) => { leaving = true; found.contentDOM.setAttribute('data-leaving', ''); return false; } }]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onChange(update.state.doc.toString());
          if (update.docChanged || update.selectionSet) leaving = false;
        }),
      ],
    }),
  });
  forceLinting(view);

  const end = () => view.state.doc.length;
  return {
    text: () => view.state.doc.toString(),
    set(text) {
      if (text === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: end(), insert: text } });
      view.dispatch(setDiagnostics(view.state, []));
    },
    insert(text) {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    show(start, finish) {
      view.dispatch({ selection: { anchor: Math.min(start, end()), head: Math.min(finish, end()) }, scrollIntoView: true });
      view.focus();
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

/** After Escape, Tab leaves the editor as it leaves any other field. */
let leaving = false;
const tab = (view: EditorView): boolean => (leaving ? false : insertTab(view));

const action = (fix: NonNullable<Schemas['Diagnostic']['fixes']>[number]): Action => ({
  name: fix.title,
  apply: (view) => view.dispatch({ changes: fix.edits.map((edit) => ({ from: edit.start, to: edit.end, insert: edit.insert })) }),
});
