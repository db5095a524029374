// A query becomes a rule: checked while it is written, saved as YAML.
import { useEffect, useState } from 'preact/hooks';
import { api, Problem, type Schemas } from '../core/api';
import { href } from '../core/route';
import { Field, Pill, Select, tellPeople, useWork } from '../ui/basics';
import { Code } from '../ui/code';
import { Form } from '../ui/dialog';
import { Text } from '../ui/text';

const often: [string, string][] = [['PT5M', '5 minutes'], ['PT15M', '15 minutes'], ['PT1H', '1 hour'], ['PT6H', '6 hours'], ['P1D', '1 day'], ['P7D', '7 days']];
const tacticsKnown = ['Reconnaissance', 'InitialAccess', 'Execution', 'Persistence', 'PrivilegeEscalation', 'DefenseEvasion', 'CredentialAccess', 'Discovery', 'LateralMovement', 'Collection', 'Exfiltration', 'CommandAndControl', 'Impact'];
const modes: Record<string, string> = { row: 'Streaming: told of each event as it comes', window: 'Streaming: told of windows as they fill', scheduled: 'On its schedule' };

export function RuleForm({ query, onClose }: { query: string; onClose: () => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [severity, setSeverity] = useState<Schemas['AlertSeverity']>('Medium');
  const [frequency, setFrequency] = useState('PT5M');
  const [period, setPeriod] = useState('PT1H');
  const [threshold, setThreshold] = useState(0);
  const [tactic, setTactic] = useState('');
  const [checked, setChecked] = useState<Schemas['CheckedRule'] | Problem | undefined>(undefined);
  const { work, isWorking } = useWork();
  const rule: Schemas['NewRule'] = { name: name.trim() || 'Unnamed', description, query, severity, frequency, period, trigger: { operator: 'GreaterThan', threshold }, tactics: tactic ? [tactic] : [], techniques: [] };
  const key = JSON.stringify(rule);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => api.checkRule(rule, abort.signal).then(setChecked, (error: unknown) => !abort.signal.aborted && setChecked(error instanceof Problem ? error : new Problem(String(error), -1))), 300);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key]);

  const submit = () => void work(async () => {
    const saved = await api.saveRule(rule);
    onClose();
    location.hash = href('content', { sel: saved.id });
    return saved.runs ? `Saved as ${saved.file}. It runs already.` : `Saved as ${saved.file}. It runs after the next start.`;
  });
  const isChecked = checked && !(checked instanceof Problem);
  return (
    <Form title="Save as an analytics rule" action="Save rule" onClose={onClose} isWorking={isWorking} wide onSubmit={() => (isChecked && !checked.ok ? tellPeople('The rule has faults: mend them first.', 'bad') : submit())}>
      <Field label="Name"><input class="input" required maxLength={256} value={name} onInput={(event) => setName(event.currentTarget.value)} /></Field>
      <Field label="What it sees, and what it cannot" wide><textarea class="input" rows={2} value={description} onInput={(event) => setDescription(event.currentTarget.value)} /></Field>
      <div class="form-row">
        <Field label="Severity"><Select value={severity} onChange={(value) => setSeverity(value as Schemas['AlertSeverity'])} options={['High', 'Medium', 'Low', 'Informational'].map((one) => [one, one])} /></Field>
        <Field label="Tactic"><Select value={tactic} onChange={setTactic} options={[['', 'None'], ...tacticsKnown.map((one) => [one, one.replace(/([a-z])([A-Z])/g, '$1 $2')] as [string, string])]} /></Field>
      </div>
      <div class="form-row">
        <Field label="Runs every"><Select value={frequency} onChange={setFrequency} options={often} /></Field>
        <Field label="Looks back"><Select value={period} onChange={setPeriod} options={often} /></Field>
        <Field label="Alert at more rows than"><input class="input" type="number" min={0} max={10000} value={threshold} onInput={(event) => setThreshold(Number(event.currentTarget.value))} /></Field>
      </div>
      <section aria-live="polite" class="rule-check">
        {!checked ? <p class="note">Being checked…</p> : checked instanceof Problem ? <p class="field-problem">{checked.message}</p> : (
          <>
            <p>{checked.ok ? <Pill tone="good">Can be saved</Pill> : <Pill tone="bad">Has faults</Pill>} {checked.mode && <span>{modes[checked.mode]}{checked.modeReason && <span class="muted">: {checked.modeReason}</span>}</span>}</p>
            {checked.diagnostics.map((one, index) => <p key={index} class={one.severity === 'error' ? 'field-problem' : 'note'}><Text text={`${one.severity}: ${one.message}`} limit={300} /></p>)}
            <details class="numbers"><summary>YAML</summary><Code text={checked.yaml} label="The rule as YAML" /></details>
          </>
        )}
      </section>
    </Form>
  );
}
