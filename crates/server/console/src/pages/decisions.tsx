// What the gate decides, as it happens.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { dynamic, number, text, useQueries, type Row } from '../core/ask';
import { may, type Schemas } from '../core/api';
import { on, state } from '../core/live';
import { queries } from '../core/queries';
import { param, set } from '../core/route';
import { bin, range } from '../core/time';
import { actionColors, actionOrder, timeSeries } from '../core/series';
import { SeriesChart } from '../charts/series';
import { Button, Card, Choices, Empty, Failed, Kql, Pill, Search, Skeleton, tellPeople } from '../ui/basics';
import { Pane } from '../ui/dialog';
import { List, type Column } from '../ui/list';
import { Full, Text, Time } from '../ui/text';
import { actionTone } from './gate';
import { OrderForm } from './orders';

type One = { id: string; time: string; action: string; stage: string; model: string; who: string; principalId: string; kind: string; agent: string; tool: string; reason: string; rules: string[]; status: number | null; ms: number | null; isNew: boolean };
const MOST = 1000;

const ofEvent = (event: Schemas['EventDecision']): One => ({
  id: event.requestId, time: event.time, action: event.action, stage: event.stage, model: event.model, who: event.principal, principalId: event.principalObjectId ?? '', kind: event.principalKind, agent: event.agent, tool: event.tool, reason: event.reason, rules: event.rules, status: event.status, ms: event.durationMs, isNew: true,
});
const ofRow = (row: Row): One => ({
  id: text(row['RequestId']), time: text(row['TimeGenerated']), action: text(row['Action']), stage: text(row['Stage']), model: text(row['ModelName']), who: text(row['PrincipalName']), principalId: text(row['PrincipalObjectId']), kind: text(row['PrincipalKind']), agent: text(row['AgentId']), tool: text(row['ToolName']), reason: text(row['Reason']),
  rules: rulesOf(row['Findings']), status: row['StatusCode'] === null ? null : number(row['StatusCode']), ms: row['DurationMs'] === null ? null : number(row['DurationMs']), isNew: false,
});
function rulesOf(value: unknown): string[] {
  const found = dynamic(value);
  return Array.isArray(found) ? [...new Set(found.map((one) => text((one as { rule?: unknown })?.rule)).filter(Boolean))] : [];
}

const columns: Column<One>[] = [
  { name: 'time', title: 'When', width: '92px', show: (one) => <Time at={one.time} />, by: (one) => one.time },
  { name: 'action', title: 'Action', width: '92px', show: (one) => <Pill tone={actionTone[one.action]}>{one.action}</Pill>, by: (one) => actionOrder.indexOf(one.action) },
  { name: 'who', title: 'Who', width: 'minmax(0, 1.3fr)', show: (one) => <span class="two-lines"><Text text={one.who || '(nobody)'} limit={60} />{one.agent && <small class="muted">as <Text text={one.agent} limit={50} /></small>}</span>, by: (one) => one.who },
  { name: 'model', title: 'Model', width: 'minmax(0, 1fr)', isWide: true, show: (one) => <Text text={one.tool || one.model} limit={50} />, by: (one) => one.model },
  { name: 'reason', title: 'Why', width: 'minmax(0, 1.6fr)', isWide: true, show: (one) => (one.reason || one.rules.length ? <span class="two-lines"><Text text={one.reason} limit={60} />{one.rules.length > 0 && <small class="muted"><Text text={one.rules.join(', ')} limit={80} /></small>}</span> : <span class="muted">–</span>), by: (one) => one.reason },
  { name: 'stage', title: 'Stage', width: '110px', isWide: true, show: (one) => one.stage, by: (one) => one.stage },
  { name: 'ms', title: 'ms', width: '60px', isNumber: true, isWide: true, show: (one) => <span class="num">{one.ms === null ? '–' : Math.round(one.ms)}</span>, by: (one) => one.ms ?? 0 },
];

export function Decisions() {
  const width = bin(range().seconds);
  const { data, problem, reload } = useQueries({ recent: { query: queries.recentDecisions, timed: true }, over: { query: queries.decisions(width), timed: true } });
  const [fresh, setFresh] = useState<One[]>([]);
  const [omitted, setOmitted] = useState(0);
  useEffect(() => on('decision', (event) => {
    setFresh((old) => [ofEvent(event), ...old].slice(0, MOST));
    if (event.omitted) setOmitted((sum) => sum + event.omitted!);
  }), []);
  const [action, wanted, selected] = [param('action'), (param('find') ?? '').toLowerCase(), param('sel')];
  const all = useMemo(() => {
    const seen = new Set<string>();
    return [...fresh, ...(data?.recent.rows.map(ofRow) ?? [])].filter((one) => !seen.has(one.id) && seen.add(one.id)).slice(0, MOST);
  }, [fresh, data]);
  const shown = all.filter((one) => (!action || one.action === action) && (!wanted || [one.who, one.model, one.agent, one.tool, one.reason, one.rules.join(' ')].some((part) => part.toLowerCase().includes(wanted))));
  const fault = problem && !data ? problem : data?.recent.problem;
  const chart = data && timeSeries(data.over.rows, range(), width, 'Action', ['Count'], actionColors, actionOrder);
  const isMoving = state.value === 'live';

  return (
    <div class="stack">
      <Card title="Decisions over time" kql={queries.decisions(width)}>{!chart ? <Skeleton lines={3} /> : chart.series.length ? <SeriesChart label="Decisions" kind="bars" height={120} {...chart} unit="requests" /> : <p class="note">None in this time.</p>}</Card>
      <div class="split" data-open={selected ? '' : undefined}>
        <section class="queue" aria-label="Decisions">
          <div class="filters">
            <Search label="Find who, model, agent, rule" value={param('find') ?? ''} onChange={(find) => set({ find })} />
            <Choices label="Action" value={action} onChange={(value) => set({ action: value })} options={actionOrder.map((name) => ({ name, count: all.filter((one) => one.action === name).length, shown: <Pill tone={actionTone[name]}>{name}</Pill> }))} />
            <div class="filters-end"><span class="muted" role="status">{isMoving ? `${fresh.length} since you came${omitted ? `, ${omitted} more not told` : ''}` : state.value === 'paused' ? 'Paused' : 'Not live'}</span><Kql query={queries.recentDecisions} label="decisions" /></div>
          </div>
          {fault ? <Failed what="Decisions cannot be shown" problem={fault} retry={reload} /> : !data ? <Skeleton lines={10} /> : !shown.length ? <Empty title={all.length ? 'Nothing fits these filters' : 'No request passed the gate in this time'} icon="gate">{all.length ? <Button onClick={() => set({ find: undefined, action: undefined })}>Clear filters</Button> : 'As soon as a client asks, it is here.'}</Empty>
            : <List label="Decisions" items={shown} columns={columns} idOf={(one) => one.id} selected={selected} sort={param('sort')} onSort={(sort) => set({ sort })} tone={(one) => (one.isNew ? 'arrives' : undefined)} onSelect={(one) => set({ sel: one.id })} />}
        </section>
        {selected && <DecisionPane key={selected} id={selected} known={all.find((one) => one.id === selected)} />}
      </div>
    </div>
  );
}

function DecisionPane({ id, known }: { id: string; known: One | undefined }) {
  const { data, problem, reload } = useQueries({ row: { query: queries.decision(id) } });
  const [isBlocking, block] = useState(false);
  const close = () => set({ sel: undefined });
  const row = data?.row.rows[0];
  const columnsOf = data?.row.answer?.columns ?? [];
  const fault = problem && !data ? problem : data?.row.problem;
  return (
    <Pane title="Decision" label="Decision" onClose={close} head={<><div class="pane-facts">{known && <Pill tone={actionTone[known.action]}>{known.action}</Pill>}{known && <Time at={known.time} style="full" />}<Kql query={queries.decision(id)} timed={false} label="this decision" /></div>
      {known?.principalId && may('responder') && <div class="actions"><Button icon="block" kind="danger" onClick={() => block(true)}>Block {known.kind || 'principal'}…</Button></div>}</>}>
      {fault ? <Failed what="The record cannot be shown" problem={fault} retry={reload} /> : !data ? <Skeleton lines={8} /> : !row ? <p class="note">The record is not in the lake yet: it is written within seconds. <button type="button" class="link" onClick={reload}>Look again</button></p>
        : <dl class="facts row-facts">{columnsOf.filter((column) => row[column.name] !== null && row[column.name] !== '' && !column.name.startsWith('_')).map((column) => <div key={column.name}><dt>{column.name}</dt><dd class="break"><Full value={column.type === 'dynamic' ? dynamic(row[column.name]) : row[column.name]} type={column.type} label={column.name} /></dd></div>)}</dl>}
      {isBlocking && known && <OrderForm start={{ kind: 'principal', subject: known.principalId, label: known.who, what: known.kind }} reason={`Decision ${id}: ${known.reason || known.action}`} onClose={() => block(false)} onGiven={() => { block(false); tellPeople(`${known.who} is blocked from the next request on.`); }} />}
    </Pane>
  );
}
