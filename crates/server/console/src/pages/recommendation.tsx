// One recommendation: evidence, the place in the file, the fix, and accepting it for a while.
import { useState } from 'preact/hooks';
import { useLoad, text } from '../core/ask';
import { api, may, type Schemas } from '../core/api';
import { queries } from '../core/queries';
import { href, set } from '../core/route';
import { Button, Failed, Field, Kql, Pill, Select, Severity, Skeleton, useWork } from '../ui/basics';
import { Form, Pane } from '../ui/dialog';
import { Code, Diff } from '../ui/code';
import { Prose, Text, Time } from '../ui/text';
import { stateTone } from './recommendations';

type Found = Schemas['Recommendation'];

export function RecommendationPane({ id, onChanged }: { id: string; onChanged: () => void }) {
  const { data, problem, reload } = useLoad(`recommendation ${id}`, (abort) => api.recommendation(id, abort), ['posture']);
  const close = () => set({ sel: undefined });
  const changed = () => {
    reload();
    onChanged();
  };
  if (problem && !data) return <Pane title="Recommendation" label="Recommendation" onClose={close}><Failed what="This recommendation cannot be shown" problem={problem} retry={reload} /></Pane>;
  if (!data) return <Pane title="Recommendation" label="Recommendation" onClose={close}><Skeleton lines={9} tall /></Pane>;
  return (
    <Pane title={<Text text={data.title} limit={200} />} label="Recommendation" onClose={close} head={
      <div class="pane-facts"><Severity of={data.severity} /><Pill tone={stateTone[data.state]}>{data.state}</Pill>{data.riskGain > 0 && <span class="muted">risk −{data.riskGain.toFixed(2)}</span>}{data.scoreGain > 0 && <span class="muted">score +{data.scoreGain.toFixed(2)}</span>}<Kql query={queries.recommendation(id)} timed={false} label="this recommendation" /></div>
    }>
      <p class="reason"><Prose text={data.reason} label="Reason" /></p>
      <dl class="facts">
        <dt>Resource</dt><dd><a href={href('inventory', { sel: data.resourceId })}><Text text={data.resourceName} limit={120} /></a><br /><small class="muted break"><Text text={data.resourceType} limit={120} /></small></dd>
        {data.workload && <><dt>Workload</dt><dd><Text text={data.workload} limit={120} /></dd></>}
        {data.location && <><dt>Place</dt><dd class="break"><code><Text text={`${data.location.file}:${data.location.line}:${data.location.column}`} limit={200} /></code></dd></>}
        <dt>Check</dt><dd><code>{data.checkId}</code></dd>
      </dl>
      <Exemption of={data} onChanged={changed} />
      <h3>Evidence</h3>
      {data.evidence.length ? <ul class="evidence-list">{data.evidence.map((one, index) => <Evidence key={index} of={one} number={index + 1} />)}</ul> : <p class="note">The check looks at what is absent; there is no place to show.</p>}
      <h3>Fix</h3>
      <Fixes of={data} />
      <h3>Why it matters</h3>
      <p><Prose text={data.description} limit={1200} label="Why it matters" /></p>
      {data.frameworks.length > 0 && <><h3>Frameworks</h3><p class="tags">{data.frameworks.map((one) => <Pill key={one}><Text text={one} limit={60} /></Pill>)}</p></>}
    </Pane>
  );
}

const words: Record<string, string> = { equals: 'is', notEquals: 'is not', in: 'is one of', notIn: 'is none of', exists: 'is there:', contains: 'contains' };

function Evidence({ of, number }: { of: Found['evidence'][number]; number: number }) {
  return (
    <li>
      <p><code class="path"><Text text={of.path} limit={200} /></code></p>
      <p class="evidence-values"><span>found <code><Text text={of.actual === null || of.actual === undefined ? 'nothing' : text(of.actual)} limit={200} label="Found" /></code></span><span class="muted">tested: {words[of.operator] ?? of.operator} <code><Text text={text(of.expected) || 'nothing'} limit={200} label="Expected" /></code></span></p>
      {of.location && <p class="note break"><Text text={`${of.location.file}:${of.location.line}`} limit={200} /></p>}
      {of.snippet && <Code text={of.snippet} label={`Place ${number} in the file`} first={of.snippetLine ?? 1} mark={of.location?.line} />}
    </li>
  );
}

const kinds = { arm: 'ARM', bicep: 'Bicep', terraform: 'Terraform', az: 'az' };

function Fixes({ of }: { of: Found }) {
  const [at, setAt] = useState(0);
  const fix = of.fixes[at] ?? of.fixes[0];
  return (
    <>
      <p><Prose text={of.remediation} limit={1200} label="Remediation" /></p>
      {!fix ? <p class="note">There is no change that a program can propose; it takes a decision of yours.</p> : (
        <div class="fix">
          <div class="choices" role="group" aria-label="Form of the fix">{of.fixes.map((one, index) => <button key={index} type="button" class="choice" aria-pressed={one === fix} onClick={() => setAt(index)}>{kinds[one.kind]}</button>)}</div>
          <p><b><Text text={fix.title} limit={200} /></b></p>
          {fix.note && <p class="hint-line">Decide first: <Prose text={fix.note} /></p>}
          {fix.diff && <Diff text={fix.diff} label={`Change of ${fix.file ?? 'the file'}`} />}
          {fix.text && <Code text={fix.text} label={`${kinds[fix.kind]} of the fix`} />}
          {fix.commands && fix.commands.length > 0 && <Code text={fix.commands.join('\n')} label="Commands" />}
          <p class="note">Nothing is changed from here: apply it where the file is kept, then scan again.</p>
        </div>
      )}
    </>
  );
}

function Exemption({ of, onChanged }: { of: Found; onChanged: () => void }) {
  const [isAsking, setAsking] = useState(false);
  const { work, isWorking } = useWork();
  const lift = () => void work(async () => { await api.liftExemption(of.id); onChanged(); return 'The exemption was taken back.'; });
  return (
    <div class="actions">
      {of.exemption ? (
        <div class="hint-line"><p><b>{of.exemption.category === 'waiver' ? 'Accepted' : 'Mitigated elsewhere'}</b> by <Text text={of.exemption.approver} limit={80} />{of.exemption.expires && <> until <Time at={of.exemption.expires} style="full" /></>}: <Text text={of.exemption.reason} /></p>
          {of.exemption.isOurs && may('responder') && <Button disabled={isWorking} onClick={lift}>Take back</Button>}</div>
      ) : may('responder') && of.state !== 'Healthy' && <Button onClick={() => setAsking(true)}>Exempt…</Button>}
      {isAsking && <ExemptForm id={of.id} onClose={() => setAsking(false)} onDone={() => { setAsking(false); onChanged(); }} />}
    </div>
  );
}

function ExemptForm({ id, onClose, onDone }: { id: string; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState('');
  const [category, setCategory] = useState<'waiver' | 'mitigated'>('waiver');
  const [until, setUntil] = useState(() => new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10));
  const { work, isWorking } = useWork();
  const submit = () => void work(async () => {
    await api.exempt(id, { reason, category, until: until ? new Date(`${until}T00:00:00Z`).toISOString() : null });
    onDone();
    return 'Exempt. It counts again when the time is over.';
  });
  return (
    <Form title="Exempt this recommendation" action="Exempt" onSubmit={submit} onClose={onClose} isWorking={isWorking}>
      <Field label="Why" hint="Who reads this later should understand it."><textarea class="input" rows={3} required maxLength={2000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></Field>
      <Field label="Kind"><Select value={category} onChange={(value) => setCategory(value === 'mitigated' ? 'mitigated' : 'waiver')} options={[['waiver', 'Accepted: we live with it'], ['mitigated', 'Mitigated: something else protects it']]} /></Field>
      <Field label="Until"><input class="input" type="date" value={until} onInput={(event) => setUntil(event.currentTarget.value)} /></Field>
    </Form>
  );
}

