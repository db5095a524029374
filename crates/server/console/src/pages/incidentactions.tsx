// What people do with an incident. Each is one order; what others changed meanwhile is never overwritten.
import { useState } from 'preact/hooks';
import { api, may, Problem, session, type Schemas } from '../core/api';
import { subjectOf, type Subject } from '../core/subjects';
import { go } from '../core/route';
import { Button, Field, Pill, Severity, tellPeople, useWork } from '../ui/basics';
import { Form } from '../ui/dialog';
import { Text } from '../ui/text';
import { OrderForm } from './orders';

type Incident = Schemas['Incident'];
type Order = Schemas['IncidentOrder']['order'];
type Asking = 'close' | 'comment' | 'merge' | 'tag' | 'task' | 'assign' | 'contain' | 'severity' | undefined;

export function IncidentActions({ of, onChanged, isBrief }: { of: Incident; onChanged: () => void; isBrief?: boolean }) {
  const [asking, ask] = useState<Asking>(undefined);
  const { work, isWorking } = useWork();
  if (!may('responder')) return <p class="note">You may read. Changing incidents needs the role responder.</p>;

  const give = (order: Order, told: string) => work(async () => {
    try {
      await api.order(of.number, order, of.version);
    } catch (error) {
      if (error instanceof Problem && error.status === 409) onChanged();
      throw error;
    }
    onChanged();
    return told;
  });
  const done = (does: Promise<boolean>) => void does.then((isFine) => isFine && ask(undefined));
  const me = session.value?.name ?? '';
  const isMine = of.owner === me;
  const isClosed = of.status === 'Closed';
  return (
    <div class="actions">
      {!isMine && <Button icon="user" disabled={isWorking} onClick={() => void give({ order: 'assign', owner: { assignedTo: me } }, 'It is yours now.')}>Assign to me</Button>}
      {of.status === 'New' && <Button disabled={isWorking} onClick={() => void give({ order: 'setStatus', status: 'Active' }, 'It is active now.')}>Start work</Button>}
      {isClosed ? <Button disabled={isWorking} onClick={() => void give({ order: 'setStatus', status: 'Active' }, 'It is open again.')}>Open again</Button> : <Button icon="check" disabled={isWorking} onClick={() => ask('close')}>Close…</Button>}
      <Button icon="block" kind={isBrief ? 'plain' : 'danger'} onClick={() => ask('contain')}>Contain…</Button>
      {!isBrief && <>
        <Button onClick={() => ask('comment')}>Comment…</Button>
        <Button onClick={() => ask('assign')}>Assign…</Button>
        <Button onClick={() => ask('task')}>Add task…</Button>
        <Button onClick={() => ask('tag')}>Labels…</Button>
        <Button onClick={() => ask('severity')}>Severity…</Button>
        <Button onClick={() => ask('merge')}>Merge…</Button>
      </>}
      {asking === 'close' && <CloseForm onClose={() => ask(undefined)} isWorking={isWorking} onGive={(verdict) => done(give({ order: 'setStatus', status: 'Closed', verdict }, 'Closed.'))} />}
      {asking === 'contain' && <Contain of={of} onClose={() => ask(undefined)} onDone={() => { ask(undefined); onChanged(); }} />}
      {asking === 'comment' && <TextForm title="Comment" action="Comment" label="What the next person should know" isLong onClose={() => ask(undefined)} isWorking={isWorking} onGive={(text) => done(give({ order: 'comment', text }, 'Your comment was added.'))} />}
      {asking === 'assign' && <TextForm title="Assign" action="Assign" label="To whom (nobody where it is empty)" value={of.owner} isOptional onClose={() => ask(undefined)} isWorking={isWorking} onGive={(text) => done(give({ order: 'assign', owner: { assignedTo: text } }, text ? `Assigned to ${text}.` : 'Nobody has it now.'))} />}
      {asking === 'task' && <TextForm title="Add a task" action="Add" label="What has to be done" onClose={() => ask(undefined)} isWorking={isWorking} onGive={(text) => done(give({ order: 'addTask', title: text }, 'The task was added.'))} />}
      {asking === 'tag' && <TextForm title="Labels" action="Add" label="Labels, with commas between" onClose={() => ask(undefined)} isWorking={isWorking} onGive={(text) => done(give({ order: 'tag', names: text.split(',').map((name) => name.trim()).filter(Boolean) }, 'Labels were added.'))} />}
      {asking === 'severity' && <SeverityForm of={of} onClose={() => ask(undefined)} isWorking={isWorking} onGive={(severity) => done(give({ order: 'update', severity }, `Its severity is ${severity} now.`))} />}
      {asking === 'merge' && <MergeForm of={of} onClose={() => ask(undefined)} isWorking={isWorking} onGive={(from) => done(give({ order: 'merge', from }, `Merged: its alerts are here now.`))} />}
    </div>
  );
}

type Given<T> = { onClose: () => void; onGive: (value: T) => void; isWorking: boolean };

const verdicts: [string, string, Schemas['Verdict']][] = [
  ['tp', 'True positive: suspicious activity', { classification: 'TruePositive', reason: 'SuspiciousActivity' }],
  ['bp', 'Benign positive: suspicious, but expected', { classification: 'BenignPositive', reason: 'SuspiciousButExpected' }],
  ['fp-logic', 'False positive: the rule is wrong', { classification: 'FalsePositive', reason: 'IncorrectAlertLogic' }],
  ['fp-data', 'False positive: the data is wrong', { classification: 'FalsePositive', reason: 'InaccurateData' }],
  ['none', 'Undetermined', { classification: 'Undetermined' }],
];

function CloseForm({ onClose, onGive, isWorking }: Given<Schemas['Verdict']>) {
  const [chosen, choose] = useState('tp');
  const [comment, setComment] = useState('');
  const verdict = verdicts.find(([name]) => name === chosen)![2];
  return (
    <Form title="Close this incident" action="Close incident" onClose={onClose} isWorking={isWorking} onSubmit={() => onGive({ ...verdict, comment })}>
      <fieldset class="options"><legend class="field-label">What was it?</legend>{verdicts.map(([name, shown]) => <label key={name}><input type="radio" name="verdict" checked={chosen === name} onChange={() => choose(name)} /> {shown}</label>)}</fieldset>
      <Field label="Comment"><textarea class="input" rows={3} value={comment} onInput={(event) => setComment(event.currentTarget.value)} /></Field>
    </Form>
  );
}

function TextForm({ title, action, label, value = '', isLong, isOptional, onClose, onGive, isWorking }: Given<string> & { title: string; action: string; label: string; value?: string; isLong?: boolean; isOptional?: boolean }) {
  const [text, setText] = useState(value);
  return (
    <Form title={title} action={action} onClose={onClose} isWorking={isWorking} onSubmit={() => onGive(text.trim())}>
      <Field label={label}>{isLong ? <textarea class="input" rows={5} required={!isOptional} value={text} onInput={(event) => setText(event.currentTarget.value)} /> : <input class="input" required={!isOptional} value={text} onInput={(event) => setText(event.currentTarget.value)} />}</Field>
    </Form>
  );
}

function SeverityForm({ of, onClose, onGive, isWorking }: Given<Schemas['AlertSeverity']> & { of: Incident }) {
  const [severity, set] = useState<Schemas['AlertSeverity']>(of.severity);
  const all: Schemas['AlertSeverity'][] = ['High', 'Medium', 'Low', 'Informational'];
  return (
    <Form title="Severity" action="Set" onClose={onClose} isWorking={isWorking} onSubmit={() => onGive(severity)}>
      <fieldset class="options"><legend class="field-label">How bad is it?</legend>{all.map((name) => <label key={name}><input type="radio" name="severity" checked={severity === name} onChange={() => set(name)} /> <Severity of={name} /></label>)}</fieldset>
    </Form>
  );
}

function MergeForm({ of, onClose, onGive, isWorking }: Given<number[]> & { of: Incident }) {
  const [text, setText] = useState(of.proposals.join(', '));
  const submit = () => {
    const numbers = text.split(/[\s,]+/).filter(Boolean).map(Number);
    if (!numbers.length || numbers.some((number) => !Number.isInteger(number) || number < 1 || number === of.number)) return tellPeople('Write the numbers of other incidents, with commas between.', 'bad');
    onGive(numbers);
  };
  return (
    <Form title={`Merge into incident ${of.number}`} action="Merge" onClose={onClose} isWorking={isWorking} onSubmit={submit}>
      <Field label="Incidents whose alerts come here" hint={of.proposals.length ? `Proposed: ${of.proposals.join(', ')}. They share entities with this one.` : 'Numbers, with commas between. The others are closed and point here.'}>
        <input class="input" required value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </Field>
    </Form>
  );
}

/** Chooses whom the gate refuses from now on. */
function Contain({ of, onClose, onDone }: { of: Incident; onClose: () => void; onDone: () => void }) {
  const found = of.entities.map((entity) => ({ entity, subject: subjectOf(entity) })).filter((one): one is { entity: Incident['entities'][number]; subject: Subject } => !!one.subject);
  const [chosen, choose] = useState<Subject | undefined>(undefined);
  const given = async (order: Schemas['Order']) => {
    try {
      await api.order(of.number, { order: 'comment', text: `Contained: ${order.measure} ${order.kind} ${order.subject} at the gate (order ${order.id}). ${order.reason}` });
    } catch {
      tellPeople('The order holds; the note about it could not be added to the incident.', 'warn');
    }
    onDone();
  };
  if (chosen) return <OrderForm start={chosen} reason={`Incident ${of.number}: ${of.title}`} onClose={onClose} onGiven={(order) => void given(order)} />;
  return (
    <Form title="Contain at the gate" action="Choose by hand" onClose={onClose} onSubmit={() => { onClose(); go('gate', { tab: 'orders', new: '1' }); }}>
      <p>Whom shall the gate refuse from the next request on?</p>
      {!found.length && <p class="note">No entity of this incident is one that the gate knows: no person, agent, key, tool or model.</p>}
      <ul class="rows">{found.map(({ entity, subject }) => <li key={entity.kind + entity.label}><Pill>{subject.what}</Pill><span class="row-main"><Text text={entity.label} limit={80} /><small class="muted"><Text text={subject.subject} limit={80} /></small></span><Button icon="block" onClick={() => choose(subject)} label={`Block ${subject.what} ${entity.label}`}>Block</Button></li>)}</ul>
    </Form>
  );
}
