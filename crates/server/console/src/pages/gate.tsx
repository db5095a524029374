// The gate: what passes now, by which rules, and who may.
import { useLoad } from '../core/ask';
import { api, may, type Schemas } from '../core/api';
import { param, set } from '../core/route';
import { brief } from '../core/ask';
import { Card, Empty, Failed, Kql, Pill, Skeleton, TabPanel, Tabs, type Tone } from '../ui/basics';
import { Code } from '../ui/code';
import { Prose, Text } from '../ui/text';
import { Decisions } from './decisions';
import { Keys } from './keys';
import { Orders } from './orders';
import { TryIt } from './tryit';

export const actionTone: Record<string, Tone> = { allow: 'calm', annotate: 'accent', redact: 'warn', require_approval: 'warn', block: 'bad' };
type Found = Schemas['Gate'];

export function Gate() {
  const { data, problem, reload } = useLoad('gate', (abort) => api.gate(abort), ['posture']);
  const tab = param('tab') ?? 'live';
  if (problem && !data) return <Failed what="The gate cannot be shown" problem={problem} retry={reload} />;
  if (!data) return <Skeleton lines={12} tall />;
  return (
    <div class="stack">
      {data.open ? (
        <div class="gate-line"><Pill tone="good">Open</Pill><span>at <code>{data.tls ? 'https' : 'http'}://{data.listen}</code></span><span class="muted">{data.activeProfiles.length ? `Profiles for all: ${data.activeProfiles.join(', ')}` : 'No profile holds for all requests'}</span><span class="muted">Texts kept: {data.record}</span>{data.anonymous && <Pill tone="warn">Serves anybody on this machine</Pill>}</div>
      ) : <div class="hint-line">No gate is open here. Write a <code>castellan.toml</code> (<code>examples/gate</code> has one) into the data folder, or name it: <code>castellan up --gate castellan.toml</code>. What another gate recorded can be seen all the same.</div>}
      <Tabs label="Parts of the gate" value={tab} onChange={(value) => set({ tab: value === 'live' ? undefined : value, sel: undefined })} tabs={[
        ['live', 'Live'], ['profiles', 'Profiles', data.profiles.length], ['models', 'Models', data.models.length], ['limits', 'Limits and policies'], ['keys', 'Keys'], ['orders', 'Orders'], ['try', 'Try it'],
      ]} />
      <TabPanel of={tab}>
        {tab === 'profiles' ? <Profiles of={data} /> : tab === 'models' ? <Models of={data} /> : tab === 'limits' ? <Limits of={data} /> : tab === 'keys' ? (may('administrator') ? <Keys of={data} /> : <Failed what="Keys cannot be shown" problem="Virtual keys need the role administrator." />) : tab === 'orders' ? <Orders canOrder={data.orders} /> : tab === 'try' ? <TryIt of={data} /> : <Decisions />}
      </TabPanel>
    </div>
  );
}

function Profiles({ of }: { of: Found }) {
  if (!of.profiles.length) return <Empty title="No profiles" icon="gate">Without a gate nothing is guarded here.</Empty>;
  return (
    <div class="stack">
      {[...of.profiles].sort((a, b) => Number(b.active) - Number(a.active)).map((one) => (
        <Card key={one.id} title={one.id} note={one.title} actions={<>{one.active ? <Pill tone="good">Holds for all</Pill> : one.models?.length ? <Pill tone="accent">For {one.models.join(', ')}</Pill> : <Pill>Can be named</Pill>}<span class="muted">version {one.version}</span></>}>
          <p class="lead-text"><Prose text={one.description} limit={900} /></p>
          <div class="table-scroll" tabIndex={0} role="region" aria-label={`Rules of ${one.id}`}>
            <table class="plain-table">
              <thead><tr><th scope="col">Rule</th><th scope="col">Check</th><th scope="col">Where</th><th scope="col">Action</th><th scope="col">When the check fails</th></tr></thead>
              <tbody>{one.rules.map((rule) => <tr key={rule.id}><td><b>{rule.id}</b></td><td>{rule.check}</td><td class="long"><span class="tags">{rule.points.map((point) => <Pill key={point}>{point}</Pill>)}</span></td><td><Pill tone={actionTone[rule.action]}>{rule.action}</Pill></td><td><Pill tone={actionTone[rule.onFailure]}>{rule.onFailure}</Pill></td></tr>)}</tbody>
            </table>
          </div>
        </Card>
      ))}
    </div>
  );
}

const circuits: Record<string, [string, Tone]> = { closed: ['well', 'good'], open: ['left alone: it failed', 'bad'], 'half-open': ['being tried again', 'warn'], resting: ['resting: it asked for it', 'warn'], down: ['down', 'bad'] };

function Models({ of }: { of: Found }) {
  if (!of.models.length) return <Empty title="No models" icon="gate">The gate has no upstreams.</Empty>;
  return (
    <div class="table-scroll card" tabIndex={0} role="region" aria-label="Models">
      <table class="plain-table">
        <thead><tr><th scope="col">Alias</th><th scope="col">Member</th><th scope="col">Host</th><th scope="col">Model there</th><th scope="col">Form</th><th scope="col">Priority, weight</th><th scope="col">State</th></tr></thead>
        <tbody>{of.models.flatMap((model) => model.members.map((member, index) => {
          const [word, tone] = circuits[member.state] ?? [member.state, 'plain'];
          return <tr key={model.alias + member.name}><td>{index === 0 && <b>{model.alias === '*' ? 'every other name' : model.alias}</b>}</td><td>{member.name}</td><td class="long"><Text text={member.host} limit={80} /></td><td>{member.model ?? <span class="muted">as asked for</span>}</td><td>{member.form}</td><td class="num">{member.priority}, {member.weight}</td><td><Pill tone={tone}>{word}</Pill></td></tr>;
        }))}</tbody>
      </table>
    </div>
  );
}

function Limits({ of }: { of: Found }) {
  return (
    <div class="two">
      <Card title="Limits" note="What one may use, by name">
        {!of.limits.length ? <Empty title="No limits" icon="gate">Anybody who may ask may ask without end.</Empty> : (
          <table class="plain-table"><thead><tr><th scope="col">Limit</th><th scope="col">For each</th><th scope="col">At most</th><th scope="col">Kind</th></tr></thead>
            <tbody>{of.limits.map((one) => <tr key={one.name}><td><b>{one.name}</b>{Object.keys(one.only).length > 0 && <small class="muted"> only {Object.entries(one.only).map(([name, values]) => `${name} ${values.join(', ')}`).join('; ')}</small>}</td><td>{one.per.join(' and ') || 'all together'}</td><td class="num">{brief(one.limit)} {one.unit} a {one.window}{one.burst !== undefined && <small class="muted"> (burst {brief(one.burst)})</small>}</td><td>{one.kind}</td></tr>)}</tbody></table>
        )}
      </Card>
      <Card title="Policies" note="Cedar: who may use what">
        {!of.policies.length ? <Empty title="No policies" icon="gate">Whoever is let in may use every model.</Empty> : of.policies.map((one) => <div key={one.id} class="policy"><p><Pill tone={one.effect === 'forbid' ? 'bad' : 'good'}>{one.effect}</Pill> <b>{one.id}</b> <Kql query={`CastellanGateDecisions\n| where Policies has ${JSON.stringify(one.id)}\n| sort by TimeGenerated desc`} label={one.id} /></p><Code text={one.text} label={`Policy ${one.id}`} /></div>)}
      </Card>
    </div>
  );
}

