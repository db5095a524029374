// All of an incident: the story, the graph, alerts, evidence, people and work.
import { useState } from 'preact/hooks';
import { useLoad, text } from '../core/ask';
import { api, may, type Schemas } from '../core/api';
import { visible } from '../core/inert';
import { queries } from '../core/queries';
import { href, param, set } from '../core/route';
import { subjectOf, type Subject } from '../core/subjects';
import { clock, full, span } from '../core/time';
import { Button, Card, Empty, Failed, Pill, Severity, Skeleton, TabPanel, Tabs, useWork } from '../ui/basics';
import { Prose, Text, Time } from '../ui/text';
import { IncidentActions } from './incidentactions';
import { statusTone } from './incidents';
import { IncidentGraphView } from './incidentgraph';
import { Guidance } from './incidentguidance';
import { OrderForm } from './orders';

type Incident = Schemas['Incident'];

export function IncidentPage({ id }: { id: string }) {
  const { data, problem, reload } = useLoad(`incident ${id}`, (abort) => api.incident(id, abort), ['incident']);
  const tab = param('tab') ?? 'story';
  if (problem && !data) return <Failed what={`Incident ${id} cannot be shown`} problem={problem} retry={reload} />;
  if (!data) return <Skeleton lines={12} tall />;
  return (
    <div class="incident">
      <Head of={data} reload={reload} />
      <Tabs label="Parts of the incident" value={tab} onChange={(value) => set({ tab: value === 'story' ? undefined : value })} tabs={[
        ['story', 'Story'], ['guide', 'What to do'], ['graph', 'Graph'], ['alerts', 'Alerts', data.alerts.length], ['entities', 'Entities', data.entities.length], ['evidence', 'Evidence', data.evidence.length], ['work', 'Work', data.tasks.length + data.comments.length], ['activity', 'Activity', data.trail.length],
      ]} />
      <TabPanel of={tab}>
        {tab === 'guide' ? <Guidance of={data} /> : tab === 'graph' ? <IncidentGraphView of={data} /> : tab === 'alerts' ? <Alerts of={data} /> : tab === 'entities' ? <Entities of={data} onChanged={reload} /> : tab === 'evidence' ? <EvidenceList of={data} /> : tab === 'work' ? <Work of={data} onChanged={reload} /> : tab === 'activity' ? <Activity of={data} /> : <Story of={data} />}
      </TabPanel>
    </div>
  );
}

function Head({ of, reload }: { of: Incident; reload: () => void }) {
  const lasted = (new Date(of.lastActivity).getTime() - new Date(of.firstActivity).getTime()) / 1000;
  return (
    <Card title={of.title} named={`Incident ${of.number}`} class="incident-head" kql={queries.incident(of.number)} timed={false} actions={<Exports of={of} />}>
      <div class="pane-facts"><Severity of={of.severity} /><Pill tone={statusTone[of.status]}>{of.status}</Pill>{of.classification && <Pill>{of.classification}{of.classificationReason && `: ${of.classificationReason}`}</Pill>}<span>{of.owner ? <Text text={of.owner} limit={60} /> : 'nobody has it'}</span><span class="muted"><Time at={of.firstActivity} style="full" />, over {span(lasted)}</span>{of.labels.map((label) => <Pill key={label}><Text text={label} limit={30} /></Pill>)}</div>
      {of.mergedInto !== null && <p class="hint-line">Merged into <a href={href('incidents', {}, of.mergedInto)}>incident {of.mergedInto}</a>.</p>}
      <p class="lead-text"><Prose text={of.description} limit={700} label="Description" /></p>
      {of.proposals.length > 0 && <p class="hint-line">It may be one with {of.proposals.map((number, index) => <span key={number}>{index > 0 && ', '}<a href={href('incidents', {}, number)}>incident {number}</a></span>)}: they share entities.</p>}
      {(of.tactics.length > 0 || of.techniques.length > 0) && <p class="tags">{of.tactics.map((one) => <Pill key={one} tone="accent">{one}</Pill>)}{of.techniques.map((one) => <Pill key={one}>{one}</Pill>)}</p>}
      <IncidentActions of={of} onChanged={reload} />
    </Card>
  );
}

/** Files of the incident for others: a report to print, OCSF, STIX. */
function Exports({ of }: { of: Incident }) {
  const files = [['Report', 'html', 'html'], ['OCSF', 'ocsf', 'json'], ['STIX', 'stix', 'json']] as const;
  return <>{files.map(([title, format, kind]) => <a key={format} class="button plain" href={`/api/v1/incidents/${of.number}/export?format=${format}`} download={`incident-${of.number}.${format === 'html' ? '' : `${format}.`}${kind}`}>{title}</a>)}</>;
}

function Story({ of }: { of: Incident }) {
  const { data, problem, reload } = useLoad(`timeline ${of.number} ${of.version}`, (abort) => api.timeline(of.number, abort));
  const only = param('kind');
  if (problem && !data) return <Failed what="The timeline cannot be shown" problem={problem} retry={reload} />;
  if (!data) return <Skeleton lines={8} tall />;
  const moments = data.value.filter((one) => !only || one.kind === only);
  const days = [...new Set(moments.map((one) => full(new Date(one.at)).slice(0, 10)))];
  return (
    <Card title="Timeline" note="What happened and what was done, oldest first" kql={of.alerts.length ? queries.incidentAlerts(of.alerts.flatMap((one) => one.ids).slice(0, 50)) : queries.incident(of.number)} timed={false}
      actions={<div class="choices" role="group" aria-label="Kind">{(['alert', 'evidence', 'step'] as const).map((kind) => <button key={kind} type="button" class="choice" aria-pressed={only === kind} onClick={() => set({ kind: only === kind ? undefined : kind })}>{{ alert: 'Alerts', evidence: 'Evidence', step: 'Work' }[kind]}</button>)}</div>}>
      {!moments.length ? <Empty title="Nothing of this kind" /> : days.map((day) => (
        <section key={day}>
          <h3 class="day">{day}</h3>
          <ol class="timeline">
            {moments.filter((one) => full(new Date(one.at)).startsWith(day)).map((one, index) => (
              <li key={index} class={`${one.kind} ${one.severity?.toLowerCase() ?? ''}`}>
                <time class="num" dateTime={one.at} title={one.at}>{clock(new Date(one.at))}</time>
                <div><p>{one.severity && <Severity of={one.severity} />} <b><Text text={one.title} limit={200} /></b>{one.by && <span class="muted"> by <Text text={one.by} limit={60} /></span>}</p>{one.told && <p class={one.kind === 'evidence' ? 'quote' : 'told'}><Text text={one.told} limit={700} label={one.title} /></p>}</div>
              </li>
            ))}
          </ol>
        </section>
      ))}
    </Card>
  );
}

function Alerts({ of }: { of: Incident }) {
  const reasons = new Map(of.links.map((link) => [link.alert, link.reason]));
  return (
    <div class="stack">
      {of.alerts.map((one, index) => (
        <Card key={one.id} title={one.name} named={`Alert ${index + 1} of ${of.alerts.length}`} kql={queries.incidentAlerts(one.ids.slice(0, 50))} timed={false}>
          <div class="pane-facts"><Severity of={one.severity} /><Time at={one.start} style="full" />{one.count > 1 && <span>{one.count} times</span>}<span class="muted">{one.results} rows</span>{one.techniques.map((name) => <Pill key={name}>{name}</Pill>)}</div>
          <p><Prose text={one.description} limit={500} label="Description" /></p>
          {reasons.get(one.id) && <p class="note">In this incident because: <Text text={reasons.get(one.id)!} limit={300} /></p>}
          {Object.keys(one.details).length > 0 && <dl class="facts">{Object.entries(one.details).slice(0, 20).map(([name, values]) => <Fact key={name} name={name} values={values} />)}</dl>}
          <p class="tags entities">{one.entities.map((entity) => <Pill key={entity.kind + entity.label}><span class="muted">{entity.kind}</span> <Text text={entity.label} limit={60} /></Pill>)}</p>
        </Card>
      ))}
      {of.alertsNotListed > 0 && <p class="note">{of.alertsNotListed} more kinds of alerts are counted and not listed; the query has them.</p>}
    </div>
  );
}

const Fact = ({ name, values }: { name: string; values: string[] }) => <><dt><Text text={name} limit={40} /></dt><dd class="break">{values.slice(0, 5).map((value, index) => <div key={index}><Text text={value} limit={300} label={name} /></div>)}{values.length > 5 && <span class="note">and {values.length - 5} more</span>}</dd></>;

function Entities({ of, onChanged }: { of: Incident; onChanged: () => void }) {
  const [chosen, choose] = useState<Subject | undefined>(undefined);
  if (!of.entities.length) return <Empty title="No entity is named by these alerts" />;
  return (
    <div class="table-scroll card" tabIndex={0} role="region" aria-label="Entities">
      <table class="plain-table">
        <thead><tr><th scope="col">Kind</th><th scope="col">Who or what</th><th scope="col">Known as</th><th scope="col">Alerts</th><th scope="col"><span class="hidden">Contain</span></th></tr></thead>
        <tbody>{of.entities.map((one) => {
          const subject = subjectOf(one);
          return (
            <tr key={one.kind + one.label}>
              <td><Pill>{one.kind}</Pill></td><td><b><Text text={one.label} limit={120} /></b></td>
              <td class="long">{Object.entries(one.values).slice(0, 6).map(([name, value]) => <div key={name}><span class="muted">{name}</span> <Text text={text(value)} limit={120} label={name} /></div>)}</td>
              <td class="num">{one.alerts.length}</td><td class="right">{subject && may('responder') && <Button icon="block" label={`Block ${subject.what} ${one.label}`} onClick={() => choose(subject)}>Block</Button>}</td>
            </tr>
          );
        })}</tbody>
      </table>
      {chosen && <OrderForm start={chosen} reason={`Incident ${of.number}: ${of.title}`} onClose={() => choose(undefined)} onGiven={() => { choose(undefined); onChanged(); }} />}
    </div>
  );
}

function EvidenceList({ of }: { of: Incident }) {
  if (!of.evidence.length) return <Empty title="No text was kept">Texts are kept of the traces that alerts name, as far as they are recorded: <code>record.content</code> of the gate says how far.</Empty>;
  return (
    <div class="stack">
      {of.evidence.map((one, index) => (
        <Card key={one.id} named={`Text ${index + 1} of ${of.evidence.length}`} title={`${one.kind[0]?.toUpperCase()}${one.kind.slice(1)}`} note={<><Time at={one.at} style="full" /> · <Text text={one.source} limit={80} /> · {one.sealedTo ? 'the original is sealed' : 'the original was not kept: the server has no evidence key'}</>}>
          <div class="quote"><Text block text={one.redacted} limit={1500} label={`${one.kind}, redacted`} /></div>
          <p class="note">{Object.keys(one.removed).length > 0 ? <>Taken out: {Object.entries(one.removed).map(([name, times]) => <Pill key={name}>{name} × {times}</Pill>)}</> : 'Nothing was taken out.'}{one.cut > 0 && ` ${one.cut} characters were cut.`}{one.sealedTo && <> Open it where the private key is: <code>castellan incident reveal {of.number} {one.id.slice(0, 8)} --key evidence.key --reason …</code></>}</p>
        </Card>
      ))}
    </div>
  );
}

function Work({ of, onChanged }: { of: Incident; onChanged: () => void }) {
  const { work, isWorking } = useWork();
  const finish = (index: number) => void work(async () => { await api.order(of.number, { order: 'finishTask', task: index + 1 }, of.version); onChanged(); return 'Done.'; });
  return (
    <div class="two">
      <Card title="Tasks" note={`${of.tasks.filter((one) => one.isDone).length} of ${of.tasks.length} done`}>
        {!of.tasks.length ? <Empty title="No tasks" /> : <ul class="tasks">{of.tasks.map((one, index) => (
          <li key={one.id}><input type="checkbox" aria-label={visible(`Done: ${one.title}`)} checked={one.isDone} disabled={one.isDone || isWorking || !may('responder')} onChange={() => finish(index)} /><span class={one.isDone ? 'done' : ''}><Text text={one.title} limit={200} />{one.description && <small class="muted"><Prose text={one.description} limit={300} /></small>}{one.isDone && <small class="muted">by {one.doneBy}, <Time at={one.done} /></small>}</span></li>
        ))}</ul>}
      </Card>
      <Card title="Comments">
        {!of.comments.length ? <Empty title="No comments" /> : <ul class="comments">{of.comments.map((one) => <li key={one.id}><p class="note"><b><Text text={one.by} limit={60} /></b> <Time at={one.at} /></p><Text block text={one.text} limit={1500} label="Comment" /></li>)}</ul>}
      </Card>
    </div>
  );
}

function Activity({ of }: { of: Incident }) {
  return (
    <Card title="Everything that was done" note="The journal of the incident: nothing in it can be changed" kql={queries.incident(of.number)} timed={false}>
      <ol class="timeline">{of.trail.map((one, index) => <li key={index} class="step"><time class="num" dateTime={one.at} title={one.at}>{full(new Date(one.at))}</time><div><p><b><Text text={one.what} limit={100} /></b> <span class="muted">by <Text text={one.by} limit={80} /></span></p><p class="told"><Text text={one.told} limit={600} label="Step" /></p></div></li>)}</ol>
    </Card>
  );
}
