// What an incident is about, on half a page: enough to decide who takes it.
import { useLoad } from '../core/ask';
import { api } from '../core/api';
import { queries } from '../core/queries';
import { href, set } from '../core/route';
import { Failed, Kql, Pill, Severity, Skeleton } from '../ui/basics';
import { Pane } from '../ui/dialog';
import { Prose, Text, Time } from '../ui/text';
import { IncidentActions } from './incidentactions';
import { statusTone } from './incidents';

export function IncidentPane({ number, onChanged }: { number: string; onChanged: () => void }) {
  const { data, problem, reload } = useLoad(`incident ${number}`, (abort) => api.incident(number, abort), ['incident']);
  const close = () => set({ sel: undefined });
  if (problem && !data) return <Pane title={`Incident ${number}`} label="Incident" onClose={close}><Failed what="This incident cannot be shown" problem={problem} retry={reload} /></Pane>;
  if (!data) return <Pane title={`Incident ${number}`} label="Incident" onClose={close}><Skeleton lines={9} tall /></Pane>;
  const alerts = data.alerts.reduce((sum, one) => sum + one.count, 0);
  return (
    <Pane title={<Text text={data.title} limit={200} />} label="Incident" onClose={close} head={
      <>
        <div class="pane-facts"><Severity of={data.severity} /><Pill tone={statusTone[data.status]}>{data.status}</Pill>{data.classification && <Pill>{data.classification}</Pill>}<span class="muted">No. {data.number}</span><Kql query={queries.incident(data.number)} timed={false} label="this incident" /></div>
        <a class="button primary" href={href('incidents', {}, data.number)}>Open incident</a>
        <IncidentActions of={data} onChanged={() => { reload(); onChanged(); }} isBrief />
      </>
    }>
      <p><Prose text={data.description} limit={500} label="Description" /></p>
      <dl class="facts">
        <dt>Activity</dt><dd><Time at={data.firstActivity} style="full" /> – <Time at={data.lastActivity} style="full" /></dd>
        <dt>Owner</dt><dd>{data.owner ? <Text text={data.owner} /> : <span class="muted">nobody</span>}</dd>
        {data.tactics.length > 0 && <><dt>Tactics</dt><dd class="tags">{data.tactics.map((one) => <Pill key={one}>{one}</Pill>)}</dd></>}
        {data.techniques.length > 0 && <><dt>Techniques</dt><dd class="tags">{data.techniques.map((one) => <Pill key={one}>{one}</Pill>)}</dd></>}
      </dl>
      <h3>Alerts <span class="count">{alerts}</span></h3>
      <ul class="rows compact">{data.alerts.slice(0, 8).map((one) => <li key={one.id}><Severity of={one.severity} /><span class="row-main"><Text text={one.name} limit={120} /><small class="muted"><Time at={one.start} />{one.count > 1 && ` · ${one.count} times`}</small></span></li>)}</ul>
      {data.alerts.length > 8 && <p class="note">{data.alerts.length - 8} more within the incident.</p>}
      <h3>Who and what</h3>
      <p class="tags entities">{data.entities.slice(0, 16).map((one) => <Pill key={one.kind + one.label}><span class="muted">{one.kind}</span> <Text text={one.label} limit={60} /></Pill>)}{data.entities.length > 16 && <span class="note">and {data.entities.length - 16} more</span>}</p>
    </Pane>
  );
}
