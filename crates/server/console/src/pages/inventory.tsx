// The bill of materials: what AI there is, what it is made of, and how one thing leads to another.
import { useMemo } from 'preact/hooks';
import { count, dynamic, number, text, useQueries, type Row } from '../core/ask';
import { queries } from '../core/queries';
import { href, param, set } from '../core/route';
import { save } from '../core/save';
import { around, way, type Edge, type Node } from '../charts/layout';
import { Graph } from '../charts/graph';
import { Button, Card, Choices, Empty, Failed, Kql, Pill, Search, Select, Severity, Skeleton, TabPanel, Tabs } from '../ui/basics';
import { Pane } from '../ui/dialog';
import { List, type Column } from '../ui/list';
import { Full, Text } from '../ui/text';

/** More than this is not drawn at once. */
const MOST = 140;

const columns: Column<Row>[] = [
  { name: 'kind', title: 'Kind', width: '118px', show: (row) => <Pill>{text(row['Kind'])}</Pill>, by: (row) => text(row['Kind']) },
  { name: 'name', title: 'Name', width: 'minmax(0, 2fr)', show: (row) => <span class="two-lines"><b><Text text={text(row['Name'])} limit={120} /></b></span>, by: (row) => text(row['Name']).toLowerCase() },
  { name: 'type', title: 'Type', width: 'minmax(0, 1.4fr)', isWide: true, show: (row) => <span class="muted"><Text text={text(row['ResourceType'])} limit={90} /></span>, by: (row) => text(row['ResourceType']) },
  { name: 'workload', title: 'Workload', width: 'minmax(0, 1fr)', isWide: true, show: (row) => <Text text={text(row['Workload'])} limit={60} />, by: (row) => text(row['Workload']) },
  { name: 'violations', title: 'Violations', width: '84px', isNumber: true, show: (row) => <span class="num">{number(row['Violations']) || '–'}</span>, by: (row) => number(row['Violations']) },
  { name: 'worst', title: 'Worst', width: '92px', isWide: true, show: (row) => (row['WorstSeverity'] ? <Severity of={text(row['WorstSeverity'])} /> : <span class="muted">none</span>), by: (row) => ['critical', 'high', 'medium', 'low'].indexOf(text(row['WorstSeverity'])) },
];

export function Inventory() {
  const { data, problem, reload } = useQueries({ things: { query: queries.inventory, limit: 100_000 }, relations: { query: queries.relations, limit: 200_000 } }, ['posture']);
  const tab = param('tab') ?? 'table';
  const selected = param('sel');
  const things = data?.things.rows ?? [];
  const [kind, wanted] = [param('kind'), (param('find') ?? '').toLowerCase()];
  const shown = useMemo(() => things.filter((row) => (!kind || row['Kind'] === kind) && (!wanted || ['Name', 'Id', 'ResourceType', 'Workload'].some((name) => text(row[name]).toLowerCase().includes(wanted)))), [things, kind, wanted]);
  const kinds = useMemo(() => [...new Set(things.map((row) => text(row['Kind'])))].sort(), [things]);
  const fault = data?.things.problem ?? data?.relations.problem;
  if (problem && !data) return <Failed what="The inventory cannot be shown" problem={problem} retry={reload} />;
  if (fault) return <Failed what="The inventory cannot be shown" problem={fault} retry={reload} />;
  return (
    <div class="split" data-open={selected ? '' : undefined}>
      <section class="queue" aria-label="Inventory">
        <div class="filters">
          <Tabs label="How to look at it" value={tab} onChange={(value) => set({ tab: value === 'table' ? undefined : value })} tabs={[['table', 'Table'], ['graph', 'Graph']]} />
          {tab === 'table' && <Search label="Find a name, id or type" value={param('find') ?? ''} onChange={(find) => set({ find })} />}
          <Choices label="Kind" value={kind} onChange={(value) => set({ kind: value })} options={kinds.map((name) => ({ name, count: things.filter((row) => row['Kind'] === name).length }))} />
          <div class="filters-end"><span class="muted num" role="status">{count(shown.length)} of {count(things.length)}</span>
            <Button icon="download" onClick={() => save('inventory.json', 'application/json', JSON.stringify({ things, relations: data?.relations.rows }, null, 2))} disabled={!things.length}>JSON</Button>
            <a class="button plain" href="/api/v1/estate/bom" download="bom.cdx.json">CycloneDX</a>
            <Kql query={tab === 'graph' ? queries.relations : queries.inventory} timed={false} label="the inventory" /></div>
        </div>
        <TabPanel of={tab}>
          {!data ? <Skeleton lines={12} /> : !things.length ? <Empty title="Nothing was found" icon="inventory">Agents, models, deployments, tools, MCP servers and data stores are found by scanning: <code>castellan up --scan PATH</code>.</Empty>
            : tab === 'graph' ? <Relations things={things} relations={data.relations.rows} kind={kind} selected={selected} />
            : !shown.length ? <Empty title="Nothing fits these filters" icon="hunting"><Button onClick={() => set({ find: undefined, kind: undefined })}>Clear filters</Button></Empty>
            : <List label="Inventory" items={shown} columns={columns} idOf={(row) => text(row['Id'])} selected={selected} sort={param('sort') ?? '-violations'} onSort={(sort) => set({ sort })} onSelect={(row) => set({ sel: text(row['Id']) })} />}
        </TabPanel>
      </section>
      {selected && data && <Thing key={selected} id={selected} things={things} relations={data.relations.rows} />}
    </div>
  );
}

function Relations({ things, relations, kind, selected }: { things: Row[]; relations: Row[]; kind: string | undefined; selected: string | undefined }) {
  const [from, to] = [param('start'), param('end')];
  const edges: Edge[] = useMemo(() => relations.map((row) => ({ from: text(row['Source']), to: text(row['Target']), label: text(row['Kind']) })), [relations]);
  const found = useMemo(() => (from && to ? way(edges, from, to) : undefined), [edges, from, to]);
  const names = useMemo(() => new Map(things.map((row) => [text(row['Id']), row])), [things]);
  const nodes: Node[] = useMemo(() => {
    const linked = new Map<string, number>();
    for (const edge of edges) for (const id of [edge.from, edge.to]) linked.set(id, (linked.get(id) ?? 0) + 1);
    const ends = [selected, from, to].filter((id): id is string => !!id);
    const near = selected && linked.size > MOST ? around(edges, selected, 2) : undefined;
    const path = new Set(found?.edges.flatMap((edge) => [edge.from, edge.to]));
    const wanted = [...linked.keys()].filter((id) => path.has(id) || ends.includes(id) || ((!near || near.has(id)) && (!kind || names.get(id)?.['Kind'] === kind || edges.some((edge) => (edge.from === id && names.get(edge.to)?.['Kind'] === kind) || (edge.to === id && names.get(edge.from)?.['Kind'] === kind)))));
    const most = wanted.sort((a, b) => Number(path.has(b)) - Number(path.has(a)) || linked.get(b)! - linked.get(a)!).slice(0, MOST);
    return most.map((id) => {
      const row = names.get(id);
      const worst = text(row?.['WorstSeverity']);
      return { id, kind: text(row?.['Kind']) || 'outside the scan', label: text(row?.['Name']) || id.split('/').pop() || id, tone: worst ? `worst-${worst}` : '', note: number(row?.['Violations']) ? `${number(row?.['Violations'])} violations` : undefined };
    });
  }, [edges, names, kind, selected, found, from, to]);
  const options: [string, string][] = [...names.values()].map((row) => [text(row['Id']), `${text(row['Name']).slice(0, 60)} (${text(row['Kind'])})`] as [string, string]).sort((a, b) => a[1].localeCompare(b[1]));
  const name = (id: string) => text(names.get(id)?.['Name']) || id;
  return (
    <Card title="How things lead to one another" note="Each arrow goes from what uses to what is used. The frame of a thing has the colour of its worst violation.">
      <div class="path-search">
        <Select label="From" value={from ?? ''} onChange={(start) => set({ start: start || undefined })} options={[['', 'From…'], ...options]} />
        <Select label="To" value={to ?? ''} onChange={(end) => set({ end: end || undefined })} options={[['', 'To…'], ...options]} />
        {(from || to) && <Button onClick={() => set({ start: undefined, end: undefined })}>Clear</Button>}
      </div>
      {from && to && (found ? <p class="path-told" role="status"><b>{found.edges.length} {found.edges.length === 1 ? 'step' : 'steps'}</b>{found.isAgainst && ' (no way along the arrows: this one goes against some)'}: {found.edges.map((edge, index) => <span key={index}>{index === 0 && <Text text={name(edge.from)} limit={60} />} <span class="muted">{edge.label} →</span> <Text text={name(edge.to)} limit={60} /></span>)}</p>
        : <p class="path-told" role="status"><b>No way leads there</b>: nothing that was scanned connects the two.</p>)}
      {nodes.length ? <Graph label="Relations" nodes={nodes} edges={edges} selected={selected} path={found?.edges} onSelect={(id) => set({ sel: id === selected ? undefined : id })} /> : <Empty title="No relations of this kind" icon="inventory" />}
      {nodes.length === MOST && <p class="note">The {MOST} that lead to most others are drawn. Choose a thing in the table, or a kind, to see others.</p>}
      <details class="numbers"><summary>Table</summary><div class="numbers-scroll" tabIndex={0} role="region" aria-label="Relations as a table"><table><thead><tr><th scope="col">From</th><th scope="col">Relation</th><th scope="col">To</th></tr></thead><tbody>{edges.slice(0, 500).map((edge, index) => <tr key={index}><td><Text text={name(edge.from)} limit={90} /></td><td>{edge.label}</td><td><Text text={name(edge.to)} limit={90} /></td></tr>)}</tbody></table></div></details>
    </Card>
  );
}

function Thing({ id, things, relations }: { id: string; things: Row[]; relations: Row[] }) {
  const row = things.find((one) => text(one['Id']) === id);
  const { data } = useQueries({ found: { query: queries.recommendationsOf(id) } }, ['posture']);
  const close = () => set({ sel: undefined });
  const name = (other: string) => text(things.find((one) => text(one['Id']) === other)?.['Name']) || other;
  const near = relations.filter((one) => text(one['Source']) === id || text(one['Target']) === id);
  if (!row) return <Pane title="Not in the inventory" label="Thing" onClose={close}><p class="note">This resource was scanned, and is no part of the AI bill of materials.</p><p class="break"><Text text={id} limit={400} /></p></Pane>;
  const detail = dynamic(row['Detail']);
  return (
    <Pane title={<Text text={text(row['Name'])} limit={160} />} label="Thing" onClose={close} head={
      <div class="pane-facts"><Pill tone="accent">{text(row['Kind'])}</Pill>{row['WorstSeverity'] ? <Severity of={text(row['WorstSeverity'])} /> : null}<Kql query={queries.thing(id)} timed={false} label="this thing" /></div>
    }>
      <dl class="facts"><dt>Type</dt><dd class="break"><Text text={text(row['ResourceType'])} limit={160} /></dd>{row['Workload'] ? <><dt>Workload</dt><dd><Text text={text(row['Workload'])} limit={100} /></dd></> : null}{row['Location'] ? <><dt>Place</dt><dd class="break"><code><Text text={text(row['Location'])} limit={200} /></code></dd></> : null}<dt>Id</dt><dd class="break"><Text text={id} limit={300} label="Id" /></dd></dl>
      {detail !== null && typeof detail === 'object' && Object.keys(detail).length > 0 && <><h3>Detail</h3><dl class="facts">{Object.entries(detail).slice(0, 40).map(([key, value]) => <><dt><Text text={key} limit={40} /></dt><dd class="break"><Full value={value} label={key} /></dd></>)}</dl></>}
      <h3>Recommendations <Kql query={queries.recommendationsOf(id)} timed={false} label="recommendations of this thing" /></h3>
      {!data ? <Skeleton lines={3} /> : data.found.rows.length ? <ul class="rows compact">{data.found.rows.map((one) => <li key={text(one['Id'])}><a class="row-link" href={href('recommendations', { sel: text(one['Id']) })}><Severity of={text(one['Severity'])} /><span class="row-main"><Text text={text(one['Title'])} limit={120} /></span></a></li>)}</ul> : <p class="note">None.</p>}
      <h3>Leads to and from <Kql query={queries.relationsOf(id)} timed={false} label="relations of this thing" /></h3>
      {near.length ? <ul class="relations">{near.slice(0, 40).map((one, index) => {
        const isOut = text(one['Source']) === id;
        const other = text(one[isOut ? 'Target' : 'Source']);
        return <li key={index}><span class="muted">{isOut ? `${text(one['Kind'])} →` : `← ${text(one['Kind'])}`}</span> <button type="button" class="link" onClick={() => set({ sel: other }, 'push')}><Text text={name(other)} limit={90} /></button></li>;
      })}</ul> : <p class="note">Nothing is connected with it.</p>}
      <p><a href={href('inventory', { tab: 'graph', start: id })}>Where can one get from here?</a></p>
    </Pane>
  );
}
