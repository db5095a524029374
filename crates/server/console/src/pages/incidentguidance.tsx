// What the rules behind an incident say one should look at, and the playbooks that answer them.
import { useLoad } from '../core/ask';
import { api, type Schemas } from '../core/api';
import { Button, Card, copy, Empty, Failed, Skeleton } from '../ui/basics';
import { Text } from '../ui/text';

/** Rules that are shown; what most alerts came from is first. */
const SHOWN = 4;

export function Guidance({ of }: { of: Schemas['Incident'] }) {
  const { data, problem, reload } = useLoad('rules of incidents', (abort) => api.rules(abort));
  const times = new Map<string, number>();
  for (const alert of of.alerts) times.set(alert.rule, (times.get(alert.rule) ?? 0) + alert.count);
  const rules = (data?.rules ?? []).filter((rule) => times.has(rule.id) && (rule.triage.length || rule.playbook)).sort((one, other) => times.get(other.id)! - times.get(one.id)!);
  if (problem && !data) return <Failed what="The rules behind the incident cannot be shown" problem={problem} retry={reload} />;
  if (!data) return <Skeleton lines={8} tall />;
  if (!rules.length) return <Empty title="The rules behind it say nothing more" icon="content">Rules have steps under `triage` and name a playbook.</Empty>;
  const playbooks = [...new Set(rules.map((rule) => rule.playbook).filter(Boolean))];
  return (
    <Card title="What to look at" note="Written with the rules that raised this">
      <div class="guidance">
        {rules.slice(0, SHOWN).map((rule, index) => (
          <details key={rule.id} open={index === 0}>
            <summary><Text text={rule.name} limit={120} /></summary>
            <ol>{rule.triage.map((step) => <li key={step}><Text text={step} limit={500} /></li>)}</ol>
          </details>
        ))}
        {rules.length > SHOWN && <p class="note">{rules.length - SHOWN} more rules raised alerts here; Content has their steps.</p>}
        {playbooks.length > 0 && (
          <section aria-label="Playbooks">
            <h3>Playbooks that answer it</h3>
            <ul>
              {playbooks.map((name) => {
                const command = `castellan playbook plan ${name} --incident ${of.number} --url ${location.origin}`;
                return <li key={name}><code><Text text={command} limit={240} /></code> <Button kind="quiet" icon="copy" label={`Copy the command that plans ${name}`} onClick={() => copy(command)} /></li>;
              })}
            </ul>
            <p class="note">A plan says what would be done, and changes nothing; <code>start</code> in its place does it. <code>CASTELLAN_TOKEN</code> has your token. Automation rules start playbooks by themselves.</p>
          </section>
        )}
      </div>
    </Card>
  );
}
