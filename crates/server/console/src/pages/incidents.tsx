// The queue of incidents, with a summary beside it.
import { useMemo } from 'preact/hooks';
import { count, useLoad } from '../core/ask';
import { api, type Schemas } from '../core/api';
import { queries } from '../core/queries';
import { go, param, set } from '../core/route';
import { Button, Choices, Empty, Failed, Kql, Pill, Search, Select, Severity, Skeleton, type Tone } from '../ui/basics';
import { List, type Column } from '../ui/list';
import { Text, Time } from '../ui/text';
import { IncidentPane } from './incidentpane';

type Summary = Schemas['IncidentSummary'];
const severities: Record<string, number> = { High: 0, Medium: 1, Low: 2, Informational: 3 };
export const statusTone: Record<string, Tone> = { New: 'accent', Active: 'warn', Closed: 'calm' };

const columns: Column<Summary>[] = [
  { name: 'number', title: 'No.', width: '56px', isWide: true, show: (one) => <span class="num muted">{one.number}</span>, by: (one) => one.number },
  { name: 'severity', title: 'Severity', width: '92px', show: (one) => <Severity of={one.severity} />, by: (one) => severities[one.severity] ?? 9 },
  { name: 'title', title: 'Incident', width: 'minmax(0, 3fr)', show: (one) => <span class="two-lines"><Text text={one.title} limit={160} />{one.labels.length > 0 && <small class="muted"><Text text={one.labels.join(', ')} limit={60} /></small>}</span>, by: (one) => one.title },
  { name: 'status', title: 'Status', width: '78px', show: (one) => <Pill tone={statusTone[one.status]}>{one.status}</Pill>, by: (one) => one.status },
  { name: 'alerts', title: 'Alerts', width: '60px', isWide: true, isNumber: true, show: (one) => <span class="num">{one.alerts}</span>, by: (one) => one.alerts },
  { name: 'owner', title: 'Owner', width: 'minmax(0, 1fr)', isWide: true, show: (one) => (one.owner ? <Text text={one.owner} limit={60} /> : <span class="muted">nobody</span>), by: (one) => one.owner },
  { name: 'last', title: 'Last activity', width: '100px', isWide: true, show: (one) => <Time at={one.lastActivity} />, by: (one) => one.lastActivity },
];

export function Incidents() {
  const filter = { status: param('status') ?? 'open', severity: param('severity'), owner: param('owner'), text: param('find'), top: 1000 };
  const { data, problem, reload } = useLoad(JSON.stringify(filter), (abort) => api.incidents(filter, abort), ['incident']);
  const selected = param('sel');
  const items = data?.value ?? [];
  const tally = useMemo(() => (name: string) => items.filter((one) => one.severity === name).length, [items]);
  const isFiltered = !!(filter.severity || filter.owner || filter.text || filter.status !== 'open');

  return (
    <div class="split" data-open={selected ? '' : undefined}>
      <section class="queue" aria-label="Incidents">
        <div class="filters">
          <Search label="Find in titles, entities and labels" value={filter.text ?? ''} onChange={(find) => set({ find })} />
          <Select label="Status" value={filter.status} onChange={(status) => set({ status: status === 'open' ? undefined : status })} options={[['open', 'Open'], ['new', 'New'], ['active', 'Active'], ['closed', 'Closed'], ['all', 'All']]} />
          <Select label="Owner" value={filter.owner ?? ''} onChange={(owner) => set({ owner: owner || undefined })} options={owners(items, filter.owner)} />
          <Choices label="Severity" value={filter.severity} onChange={(severity) => set({ severity })} options={['High', 'Medium', 'Low', 'Informational'].map((name) => ({ name, count: filter.severity && filter.severity !== name ? undefined : tally(name), shown: <Severity of={name} /> }))} />
          <div class="filters-end"><span class="muted num" role="status">{data ? `${count(items.length)} of ${count(data.total)}` : ''}</span><Kql query={queries.queue} timed={false} label="incidents" /></div>
        </div>
        {problem && !data ? <Failed what="Incidents cannot be shown" problem={problem} retry={reload} /> : !data ? <Skeleton lines={12} /> : !items.length ? (
          isFiltered ? <Empty title="No incident fits these filters" icon="hunting"><Button onClick={() => set({ find: undefined, severity: undefined, owner: undefined, status: undefined })}>Clear filters</Button></Empty>
            : <Empty title="No open incidents">Rules are watching. What happened before is under <button type="button" class="link" onClick={() => set({ status: 'all' })}>all incidents</button>.</Empty>
        ) : <List label="Incidents" items={items} columns={columns} idOf={(one) => String(one.number)} selected={selected} sort={param('sort')} onSort={(sort) => set({ sort })} tone={(one) => (one.status === 'New' ? 'fresh' : undefined)}
            onSelect={(one) => (String(one.number) === selected && innerWidth < 761 ? go('incidents', {}, one.number) : set({ sel: String(one.number) }))} />}
      </section>
      {selected && <IncidentPane key={selected} number={selected} onChanged={reload} />}
    </div>
  );
}

function owners(items: Summary[], chosen: string | undefined): [string, string][] {
  const names = new Set(items.map((one) => one.owner).filter(Boolean));
  if (chosen && chosen !== '-') names.add(chosen);
  return [['', 'Any owner'], ['-', 'Nobody'], ...[...names].sort().map((name) => [name, name.slice(0, 60)] as [string, string])];
}
