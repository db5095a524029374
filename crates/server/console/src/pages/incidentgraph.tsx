// How alerts and entities of an incident hang together: who, what happened, and to what.
import { useMemo } from 'preact/hooks';
import { useLoad } from '../core/ask';
import { api, type Schemas } from '../core/api';
import { queries } from '../core/queries';
import { param, set } from '../core/route';
import { Graph } from '../charts/graph';
import type { Edge, Node } from '../charts/layout';
import { Card, Empty, Failed, Skeleton } from '../ui/basics';
import { Text } from '../ui/text';

/** Who acts stands before the alerts, what was acted on behind them. */
const actors = ['account', 'ip', 'host', 'process', 'cloudapplication', 'mailbox'];

export function IncidentGraphView({ of }: { of: Schemas['Incident'] }) {
  const { data, problem, reload } = useLoad(`graph ${of.number} ${of.version}`, (abort) => api.graph(of.number, abort));
  const selected = param('node');
  const [nodes, edges] = useMemo(() => {
    const kinds = new Map(data?.nodes.map((node) => [node.id, node.kind.toLowerCase()]));
    const side = (kind: string) => (kind === 'alert' ? 1 : actors.includes(kind) ? 0 : 2);
    const severity = new Map(of.alerts.flatMap((alert) => [alert.id, ...alert.ids, alert.name].map((key) => [key, alert.severity.toLowerCase()] as const)));
    const found: Node[] = (data?.nodes ?? []).map((node) => ({ id: node.id, kind: node.kind, label: node.label, note: node.count > 1 ? `${node.count} times` : undefined, column: side(node.kind.toLowerCase()), tone: node.kind === 'alert' ? `alert-node ${severity.get(node.id) ?? severity.get(node.label) ?? ''}` : '' }));
    const between: Edge[] = (data?.edges ?? []).map((edge) => {
      const turns = side(kinds.get(edge.from) ?? '') > side(kinds.get(edge.to) ?? '');
      return { from: turns ? edge.to : edge.from, to: turns ? edge.from : edge.to, count: edge.count };
    });
    return [found, between];
  }, [data, of]);
  if (problem && !data) return <Failed what="The graph cannot be shown" problem={problem} retry={reload} />;
  if (!data) return <Skeleton lines={8} tall />;
  if (!nodes.length) return <Empty title="There is nothing to draw" icon="inventory" />;
  const name = (id: string) => data.nodes.find((node) => node.id === id)?.label ?? id;
  return (
    <Card title="Alerts and entities" note="Who acted, what was found, and what it was done to" kql={queries.incidentAlerts(of.alerts.flatMap((one) => one.ids).slice(0, 50))} timed={false}>
      <Graph label="Graph of alerts and entities" nodes={nodes} edges={edges} selected={selected} onSelect={(id) => set({ node: id === selected ? undefined : id })} />
      <details class="numbers"><summary>Table</summary><div class="numbers-scroll" tabIndex={0} role="region" aria-label="Relations of the incident"><table><thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">Times</th></tr></thead><tbody>{edges.map((edge, index) => <tr key={index}><td><Text text={name(edge.from)} limit={100} /></td><td><Text text={name(edge.to)} limit={100} /></td><td>{edge.count}</td></tr>)}</tbody></table></div></details>
    </Card>
  );
}
