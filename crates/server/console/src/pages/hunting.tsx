// Hunting: any question over all tables, in KQL. The query stands in the address, so that it can be shared.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, may, Problem, type Answer, type Diagnostic, type Schemas } from '../core/api';
import { count } from '../core/ask';
import { visible } from '../core/inert';
import { starters } from '../core/queries';
import { param, route, set } from '../core/route';
import { csv, save } from '../core/save';
import { store, stored } from '../core/theme';
import { range, span } from '../core/time';
import { Button, Choices, copy, Empty, Failed, Search, Select, Skeleton, Tabs, tellPeople } from '../ui/basics';
import { Pane } from '../ui/dialog';
import { Grid } from '../ui/grid';
import { Icon } from '../ui/icons';
import { Full, Text } from '../ui/text';
import type { Editor } from '../editor/editor';
import { AnswerChart, canDraw } from './answerchart';
import { RuleForm } from './ruleform';

const PAST = 'castellan.queries';
const past = (): string[] => {
  try {
    const found: unknown = JSON.parse(stored(PAST) ?? '[]');
    return Array.isArray(found) ? found.filter((one): one is string => typeof one === 'string').slice(0, 30) : [];
  } catch {
    return [];
  }
};
const remember = (query: string) => store(PAST, JSON.stringify([query, ...past().filter((one) => one !== query)].slice(0, 30)));

const editorBundle = '/editor.js';
const loadEditor = () => import(/* the bundle stands beside this one */ editorBundle) as Promise<typeof import('../editor/editor')>;

export function Hunting() {
  const shared = param('q') ?? '';
  const [text, setText] = useState(shared);
  const [answer, setAnswer] = useState<Answer | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [isRunning, setRunning] = useState(false);
  const [diagnostics, setDiagnostics] = useState<Diagnostic[]>([]);
  const [opened, openRow] = useState<number | undefined>(undefined);
  const [isSaving, setSaving] = useState(false);
  const editor = useRef<Editor | undefined>(undefined);
  const abort = useRef<AbortController | undefined>(undefined);
  const ran = useRef('');
  const latest = useRef(text);
  latest.current = text;

  const limit = Number(param('limit')) || 10_000;
  const run = async (query = latest.current) => {
    if (!query.trim()) return;
    abort.current?.abort();
    abort.current = new AbortController();
    const mine = abort.current;
    setRunning(true);
    setProblem(undefined);
    openRow(undefined);
    const isAll = route.value.params['range'] === 'all';
    const at = range();
    try {
      const found = await api.query({ query, limit: Number(route.value.params['limit']) || 10_000, ...(isAll ? {} : { from: at.from.toISOString(), to: at.to.toISOString() }) }, mine.signal);
      if (mine.signal.aborted) return;
      setAnswer(found);
      remember(query);
    } catch (error) {
      if (mine.signal.aborted) return;
      setAnswer(undefined);
      setProblem(error instanceof Problem ? error : new Problem(String(error), -1));
    } finally {
      if (abort.current === mine) setRunning(false);
    }
  };
  const runNow = () => {
    ran.current = latest.current;
    set({ q: latest.current, row: undefined }, 'push');
    void run();
  };
  const stop = () => {
    abort.current?.abort();
    setRunning(false);
    tellPeople('Stopped waiting.', 'plain');
  };

  // The address decides: a link, Back, or another time range asks again.
  const { range: name, from, to } = route.value.params;
  useEffect(() => {
    if (shared !== latest.current && shared !== ran.current) {
      setText(shared);
      editor.current?.set(shared);
    }
    ran.current = shared;
    if (shared) void run(shared);
  }, [shared, name, from, to, limit]);
  useEffect(() => () => abort.current?.abort(), []);

  const use = (query: string) => {
    setText(query);
    latest.current = query;
    editor.current?.set(query);
    runNow();
  };
  const view = param('view') ?? (answer?.chart && answer.chart.kind !== 'table' ? 'chart' : 'grid');
  return (
    <div class="hunting split" data-open={opened !== undefined ? '' : undefined}>
      <Sidebar onInsert={(word) => (editor.current ? editor.current.insert(word) : setText(text + word))} onUse={use} />
      <section class="hunt" aria-label="Query and results">
        <div class="toolbar">
          {isRunning ? <Button kind="primary" icon="pause" onClick={stop}>Stop</Button> : <Button kind="primary" icon="play" disabled={!text.trim()} onClick={runNow} title="Run (Ctrl Enter)">Run</Button>}
          <Select label="Most rows" value={String(limit)} onChange={(value) => set({ limit: value === '10000' ? undefined : value })} options={[['1000', '1,000 rows'], ['10000', '10,000 rows'], ['100000', '100,000 rows'], ['500000', '500,000 rows']]} />
          <span class="push" />
          <Button icon="link" onClick={() => { set({ q: text }); copy(location.href, 'The link is in the clipboard.'); }}>Copy link</Button>
          <Button icon="download" disabled={!answer?.rows.length} onClick={() => answer && save('results.csv', 'text/csv;charset=utf-8', csv(answer))}>CSV</Button>
          {may('administrator') && <Button icon="content" disabled={!text.trim()} onClick={() => setSaving(true)}>Save as rule…</Button>}
        </div>
        <EditorBox text={text} onReady={(ready) => (editor.current = ready)} onChange={setText} onRun={runNow} onChecked={setDiagnostics} />
        <Diagnostics all={diagnostics} onShow={(one) => editor.current?.show(one.start, one.end)} />
        {problem ? <RunProblem problem={problem} retry={runNow} onShow={(start, end) => editor.current?.show(start, end)} /> : !answer ? (isRunning ? <Skeleton lines={10} /> : <Start onUse={use} />) : (
          <Results answer={answer} view={view} isRunning={isRunning} opened={opened} onOpen={openRow} />
        )}
      </section>
      {answer && opened !== undefined && answer.rows[opened] && <RowPane answer={answer} row={opened} onClose={() => openRow(undefined)} />}
      {isSaving && <RuleForm query={text} onClose={() => setSaving(false)} />}
    </div>
  );
}

function EditorBox(props: { text: string; onReady: (editor: Editor) => void; onChange: (text: string) => void; onRun: () => void; onChecked: (all: Diagnostic[]) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const [state, setState] = useState<'loading' | 'ready' | 'plain'>('loading');
  useEffect(() => {
    let editor: Editor | undefined;
    let isGone = false;
    loadEditor().then(({ openEditor }) => {
      if (isGone) return;
      editor = openEditor({
        parent: box.current!, text: latest.current.text,
        onChange: (text) => latest.current.onChange(text), onRun: () => latest.current.onRun(), onChecked: (all) => latest.current.onChecked(all),
        complete: api.complete, check: api.check,
      });
      latest.current.onReady(editor);
      setState('ready');
    }, () => setState('plain'));
    return () => {
      isGone = true;
      editor?.destroy();
    };
  }, []);
  return (
    <div class={`editor ${state}`}>
      <div class="editor-host" ref={box} data-editor-host hidden={state !== 'ready'} />
      {state !== 'ready' && <textarea class="input plain-editor" aria-label="Query in KQL" spellcheck={false} value={props.text} onInput={(event) => props.onChange(event.currentTarget.value)} onKeyDown={(event) => (event.ctrlKey || event.metaKey) && event.key === 'Enter' && props.onRun()} />}
      {state === 'plain' && <p class="note">The editor could not be loaded; queries can be written and run all the same.</p>}
    </div>
  );
}

function Diagnostics({ all, onShow }: { all: Diagnostic[]; onShow: (one: Diagnostic) => void }) {
  if (!all.length) return null;
  return <ul class="diagnostics" aria-label="Problems of the query">{all.slice(0, 5).map((one, index) => <li key={index} class={one.severity}><button type="button" class="link" onClick={() => onShow(one)}><Icon name="incidents" />{one.severity}</button> <Text text={one.message} limit={300} />{one.help && <span class="muted"> <Text text={one.help} limit={300} /></span>}</li>)}{all.length > 5 && <li class="muted">and {all.length - 5} more</li>}</ul>;
}

function RunProblem({ problem, retry, onShow }: { problem: Problem; retry: () => void; onShow: (start: number, end: number) => void }) {
  const { position } = problem;
  if (!position) return <Failed what="The query was not run" problem={problem} retry={retry} />;
  return (
    <div class="failed" role="alert"><Icon name="incidents" /><div><p class="empty-title">The query cannot be run</p><p><Text text={problem.message} /></p></div>
      <Button onClick={() => onShow(position.start, position.end)}>Line {position.line}, column {position.column}</Button></div>
  );
}

function Results({ answer, view, isRunning, opened, onOpen }: { answer: Answer; view: string; isRunning: boolean; opened: number | undefined; onOpen: (row: number) => void }) {
  const drawn = view === 'chart' && canDraw(answer);
  const why = { rows: 'the most rows that you asked for', bytes: 'as much as one answer may have', time: 'as long as one query may take' }[answer.truncatedBy ?? 'rows'];
  return (
    <div class={`results${isRunning ? ' stale' : ''}`} aria-busy={isRunning}>
      <div class="results-head">
        <p role="status"><b class="num">{count(answer.rows.length)}</b> {answer.rows.length === 1 ? 'row' : 'rows'} <span class="muted">in {span(answer.tookMs / 1000)}</span>{answer.truncated && <span class="warn-text"> There are more: this is {why}.</span>}</p>
        <Choices label="View" value={drawn ? 'chart' : 'grid'} onChange={(value) => value && set({ view: value })} options={[{ name: 'grid', shown: <><Icon name="table" /> Grid</> }, ...(canDraw(answer) ? [{ name: 'chart', shown: <><Icon name="chart" /> Chart</> }] : [])]} />
      </div>
      {answer.warnings?.map((one, index) => <p key={index} class="hint-line"><Text text={one.message} limit={300} /></p>)}
      {!answer.rows.length ? <Empty title="No rows" icon="hunting">The query is right and finds nothing. Is the time range long enough?</Empty> : drawn ? <AnswerChart answer={answer} /> : <Grid answer={answer} opened={opened} onOpen={onOpen} />}
    </div>
  );
}

function RowPane({ answer, row, onClose }: { answer: Answer; row: number; onClose: () => void }) {
  const values = answer.rows[row]!;
  const [hidesEmpty, setHides] = useState(true);
  const isEmpty = (value: unknown) => value === null || value === '' || value === undefined;
  return (
    <Pane title={`Row ${row + 1}`} label="Row" onClose={onClose} head={<label class="check"><input type="checkbox" checked={hidesEmpty} onChange={() => setHides(!hidesEmpty)} /> Leave out what is empty</label>}>
      <dl class="facts row-facts">{answer.columns.map((column, index) => (hidesEmpty && isEmpty(values[index]) ? null : <div key={index}><dt><Text text={column.name} limit={80} /> <small class="muted">{column.type}</small></dt><dd class="break"><Full value={values[index]} type={column.type} label={column.name} /></dd></div>))}</dl>
    </Pane>
  );
}

function Start({ onUse }: { onUse: (query: string) => void }) {
  return (
    <div class="starters"><h2>Queries to begin with</h2>
      <ul>{starters.map(([title, what, query]) => <li key={title}><button type="button" class="starter" onClick={() => onUse(query)}><b>{title}</b><span class="muted">{what}</span></button></li>)}</ul>
    </div>
  );
}

function Sidebar({ onInsert, onUse }: { onInsert: (word: string) => void; onUse: (query: string) => void }) {
  const [tab, setTab] = useState('tables');
  const [schema, setSchema] = useState<Schemas['Schema'] | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [wanted, want] = useState('');
  const load = () => {
    setProblem(undefined);
    api.schema().then(setSchema, (error: unknown) => setProblem(error instanceof Problem ? error : new Problem(String(error), -1)));
  };
  useEffect(load, []);
  const found = useMemo(() => schema?.tables.filter((table) => !wanted || table.name.toLowerCase().includes(wanted.toLowerCase()) || table.columns.some((column) => column.name.toLowerCase().includes(wanted.toLowerCase()))), [schema, wanted]);
  const groups: [string, string][] = [['castellan', 'Castellan'], ['estate', 'Estate'], ['lake', 'Events']];
  return (
    <aside class="schema" aria-label="Tables and queries">
      <Tabs label="Tables and queries" value={tab} onChange={setTab} tabs={[['tables', 'Tables'], ['queries', 'Queries']]} />
      {tab === 'queries' ? <SavedQueries onUse={onUse} /> : problem ? <Failed what="Tables cannot be listed" problem={problem} retry={load} /> : !found ? <Skeleton lines={8} /> : (
        <>
          <Search label="Find a table or column" value={wanted} onChange={want} />
          <div class="schema-list" tabIndex={0} role="region" aria-label="Tables">
            {groups.map(([group, title]) => {
              const tables = found.filter((table) => table.group === group);
              return tables.length > 0 && <section key={group}><h2>{title} <span class="count">{tables.length}</span></h2>{tables.slice(0, wanted ? 60 : 200).map((table) => <Table key={table.name} table={table} onInsert={onInsert} />)}</section>;
            })}
            {!found.length && <p class="note">No table or column has this name.</p>}
          </div>
        </>
      )}
    </aside>
  );
}

function Table({ table, onInsert }: { table: Schemas['Schema']['tables'][number]; onInsert: (word: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary><span>{table.name}</span></summary>
      {isOpen && <><button type="button" class="link small" onClick={() => onInsert(table.name)}>insert the name</button><ul>{table.columns.map((column) => <li key={column.name}><button type="button" onClick={() => onInsert(column.name)}><span>{column.name}</span><small>{column.type}</small></button></li>)}</ul></>}
    </details>
  );
}

function SavedQueries({ onUse }: { onUse: (query: string) => void }) {
  const before = past();
  return (
    <div class="schema-list" tabIndex={0} role="region" aria-label="Queries">
      <h2>Asked before</h2>
      {!before.length && <p class="note">What you run is kept in this browser alone.</p>}
      <ul class="past">{before.map((query) => <li key={query}><button type="button" onClick={() => onUse(query)} title={visible(query.slice(0, 500))}>{visible(query.slice(0, 160))}</button></li>)}</ul>
      <h2>To begin with</h2>
      <ul class="past">{starters.map(([title, , query]) => <li key={title}><button type="button" onClick={() => onUse(query)}>{title}</button></li>)}</ul>
    </div>
  );
}

