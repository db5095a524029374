// Recommendations: what is wrong in the estate, the evidence, and the fix.
import { useMemo } from 'preact/hooks';
import { count, list, number, text, useQueries, type Row } from '../core/ask';
import { api, may } from '../core/api';
import { queries } from '../core/queries';
import { param, set } from '../core/route';
import { Button, Choices, Empty, Failed, Kql, Pill, Search, Select, Severity, Skeleton, useWork, type Tone } from '../ui/basics';
import { List, type Column } from '../ui/list';
import { Text } from '../ui/text';
import { RecommendationPane } from './recommendation';

const ranks: Record<string, number> = { critical: 0, high: 1, medium: 2, low: 3, info: 4 };
export const stateTone: Record<string, Tone> = { Unhealthy: 'bad', Healthy: 'good', Unknown: 'warn', Exempt: 'calm' };

const columns: Column<Row>[] = [
  { name: 'severity', title: 'Severity', width: '92px', show: (row) => <Severity of={text(row['Severity'])} />, by: (row) => ranks[text(row['Severity'])] ?? 9 },
  { name: 'title', title: 'Recommendation', width: 'minmax(0, 2.4fr)', show: (row) => <span class="two-lines"><Text text={text(row['Title'])} limit={140} /></span>, by: (row) => text(row['Title']) },
  { name: 'resource', title: 'Resource', width: 'minmax(0, 1.2fr)', isWide: true, show: (row) => <span class="two-lines"><Text text={text(row['ResourceName'])} limit={80} /><small><Text text={text(row['ResourceType']).split('/').slice(-2).join('/')} limit={60} /></small></span>, by: (row) => text(row['ResourceName']) },
  { name: 'state', title: 'State', width: '96px', isWide: true, show: (row) => <Pill tone={stateTone[text(row['State'])]}>{text(row['State'])}</Pill>, by: (row) => text(row['State']) },
  { name: 'risk', title: 'Risk', width: '64px', isNumber: true, show: (row) => <span class="num">{number(row['RiskGain']) ? `−${number(row['RiskGain']).toFixed(2)}` : '–'}</span>, by: (row) => number(row['RiskGain']) },
  { name: 'score', title: 'Score', width: '64px', isNumber: true, isWide: true, show: (row) => <span class="num">{number(row['ScoreGain']) ? `+${number(row['ScoreGain']).toFixed(2)}` : '–'}</span>, by: (row) => number(row['ScoreGain']) },
  { name: 'fix', title: 'Fix', width: '56px', isWide: true, show: (row) => (row['Fixable'] ? <Pill tone="accent">fix</Pill> : null), by: (row) => (row['Fixable'] ? 0 : 1) },
];

function matches(row: Row, wanted: string): boolean {
  return ['Title', 'ResourceName', 'ResourceId', 'CheckId', 'Workload', 'Location'].some((name) => text(row[name]).toLowerCase().includes(wanted));
}

export function Recommendations() {
  const { data, problem, reload } = useQueries({ all: { query: queries.recommendations, limit: 200_000 } }, ['posture']);
  const wanted = (param('find') ?? '').toLowerCase();
  const [state, severity, workload, framework, selected] = [param('state') ?? 'Unhealthy', param('severity'), param('workload'), param('framework'), param('sel')];
  const all = data?.all.rows ?? [];
  const inState = useMemo(() => (state === 'all' ? all : all.filter((row) => row['State'] === state)), [all, state]);
  const shown = useMemo(
    () => inState.filter((row) => (!severity || row['Severity'] === severity) && (!workload || row['Workload'] === workload) && (!framework || list(row['Frameworks']).some((one) => one.startsWith(framework))) && (!wanted || matches(row, wanted))),
    [inState, severity, workload, framework, wanted],
  );
  const tally = (name: string, value: string) => inState.filter((row) => row[name] === value).length;
  const named = (name: string) => [...new Set(all.map((row) => text(row[name])).filter(Boolean))].sort();
  const packs = useMemo(() => [...new Set(all.flatMap((row) => list(row['Frameworks']).map((one) => one.split(':').slice(0, one.startsWith('atlas') ? 1 : 2).join(':'))))].sort(), [all]);

  if (problem && !data) return <Failed what="Recommendations cannot be shown" problem={problem} retry={reload} />;
  if (data?.all.problem) return <Failed what="Recommendations cannot be shown" problem={data.all.problem} retry={reload} />;
  return (
    <div class="split" data-open={selected ? '' : undefined}>
      <section class="queue" aria-label="Recommendations">
        <div class="filters">
          <Search label="Find a title, resource or check" value={param('find') ?? ''} onChange={(find) => set({ find })} />
          <Select label="State" value={state} onChange={(value) => set({ state: value === 'Unhealthy' ? undefined : value })} options={[['Unhealthy', 'Unhealthy'], ['Unknown', 'Cannot be told'], ['Exempt', 'Exempt'], ['Healthy', 'Healthy'], ['all', 'All states']]} />
          <Select label="Workload" value={workload ?? ''} onChange={(value) => set({ workload: value || undefined })} options={[['', 'All workloads'], ...named('Workload').map((one) => [one, one.slice(0, 60)] as [string, string])]} />
          <Select label="Framework" value={framework ?? ''} onChange={(value) => set({ framework: value || undefined })} options={[['', 'All frameworks'], ...packs.map((one) => [one, one] as [string, string])]} />
          <Choices label="Severity" value={severity} onChange={(value) => set({ severity: value })} options={['critical', 'high', 'medium', 'low', 'info'].map((name) => ({ name, count: tally('Severity', name), shown: <Severity of={name} /> }))} />
          <div class="filters-end"><span class="muted num" role="status">{count(shown.length)} of {count(all.length)}</span><Rescan /><Kql query={state === 'all' ? queries.recommendations : queries.inState(state)} timed={false} label="recommendations" /></div>
        </div>
        {!data ? <Skeleton lines={12} /> : !shown.length ? <Nothing isFiltered={all.length > 0} /> : (
          <List label="Recommendations" items={shown} columns={columns} idOf={(row) => text(row['Id'])} selected={selected} sort={param('sort') ?? '-risk'} onSort={(sort) => set({ sort })} onSelect={(row) => set({ sel: text(row['Id']) })} />
        )}
      </section>
      {selected && <RecommendationPane key={selected} id={selected} onChanged={reload} />}
    </div>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty title="Nothing fits these filters" icon="hunting"><Button onClick={() => set({ find: undefined, severity: undefined, workload: undefined, framework: undefined, state: undefined })}>Clear filters</Button></Empty>;
  return <Empty title="No recommendations" icon="recommendations">Nothing was scanned, or nothing was found. Name what to scan when castellan starts: <code>castellan up --scan PATH</code>.</Empty>;
}

function Rescan() {
  const { work, isWorking } = useWork();
  if (!may('administrator')) return null;
  return <Button icon="refresh" disabled={isWorking} onClick={() => void work(async () => { await api.scan(); return 'The estate is being scanned; the page follows.'; })}>Scan again</Button>;
}
