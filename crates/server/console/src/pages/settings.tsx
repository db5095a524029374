// How this server is set up, and who may do what.
import { brief, count, useLoad } from '../core/ask';
import { api, may, session, type Schemas } from '../core/api';
import { param, set } from '../core/route';
import { Card, Empty, Failed, Pill, Skeleton, TabPanel, Tabs } from '../ui/basics';
import { Text, Time } from '../ui/text';

type Found = Schemas['Settings'];

export function Settings() {
  const isAllowed = may('administrator');
  const { data, problem, reload } = useLoad(isAllowed ? 'settings' : undefined, (abort) => api.settings(abort), ['posture']);
  const tab = param('tab') ?? 'server';
  if (!isAllowed) return <div class="stack"><Me /><Failed what="The rest of the settings needs the role administrator" problem={`You are signed in as ${session.value?.role}. What you may do is above; how the server is set up is for administrators.`} /></div>;
  if (problem && !data) return <Failed what="Settings cannot be shown" problem={problem} retry={reload} />;
  if (!data) return <Skeleton lines={10} tall />;
  return (
    <div class="stack">
      {data.problems.map((one, index) => <div key={index} class="failed" role="alert"><div><p class="empty-title">Something does not work</p><p><Text text={one} limit={500} /></p></div></div>)}
      <Tabs label="Settings" value={tab} onChange={(value) => set({ tab: value === 'server' ? undefined : value })} tabs={[['server', 'Server'], ['access', 'Access'], ['ways', 'Ways in', data.waysIn.length]]} />
      <TabPanel of={tab}>{tab === 'access' ? <Access of={data} /> : tab === 'ways' ? <Ways of={data} /> : <Server of={data} />}</TabPanel>
    </div>
  );
}

function bytes(n: number | null | undefined): string {
  if (n == null) return 'not known';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, n)) / 10));
  return `${(n / 1024 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}

const Path = ({ of }: { of: string | null }) => (of ? <code class="break"><Text text={of} limit={300} /></code> : <span class="muted">none</span>);

function Server({ of }: { of: Found }) {
  return (
    <div class="two">
      <Card title="Server"><dl class="facts"><dt>Version</dt><dd>{of.version}{of.demo && <> <Pill tone="accent">demonstration</Pill></>}</dd><dt>Listens at</dt><dd><code>{of.tls ? 'https' : 'http'}://{of.listen}</code></dd>{of.started && <><dt>Started</dt><dd><Time at={of.started} /></dd></>}<dt>Data folder</dt><dd><Path of={of.folder} /></dd></dl></Card>
      <Card title="Lake"><dl class="facts"><dt>Folder</dt><dd><Path of={of.lake.folder} /></dd><dt>Tables</dt><dd class="num">{count(of.lake.tables)}</dd><dt>Rows</dt><dd class="num">{of.lake.rows == null ? 'not counted' : brief(of.lake.rows)}</dd><dt>On disk</dt><dd class="num">{bytes(of.lake.bytes)}</dd><dt>Free</dt><dd class="num">{bytes(of.lake.freeBytes)}</dd></dl></Card>
      <Card title="Estate"><dl class="facts"><dt>Scanned</dt><dd>{of.estate.isScanning ? 'being scanned now' : <Time at={of.estate.scanned} />}</dd><dt>Resources</dt><dd class="num">{of.estate.resources ?? 'none'}</dd><dt>Read from</dt><dd>{of.estate.paths.length ? of.estate.paths.map((one) => <div key={one}><Path of={one} /></div>) : <span class="muted">nothing: name paths with <code>--scan</code></span>}</dd></dl>{of.estate.problem && <p class="field-problem">{of.estate.problem}</p>}</Card>
      <Card title="Gate and rules"><dl class="facts"><dt>Gate</dt><dd>{of.gate.open ? <><Pill tone="good">open</Pill> <code>{of.gate.listen}</code></> : <Pill>closed</Pill>}</dd><dt>Its file</dt><dd><Path of={of.gate.file} /></dd><dt>Rules</dt><dd class="num">{count(of.analytics.rules)}</dd><dt>Own rules</dt><dd><Path of={of.analytics.folder} /></dd></dl></Card>
    </div>
  );
}

function Me() {
  const who = session.value;
  return <Card title="You"><dl class="facts"><dt>Name</dt><dd><Text text={who?.name ?? ''} /></dd><dt>Role</dt><dd><Pill tone="accent">{who?.role}</Pill></dd><dt>Signed in by</dt><dd>{{ token: 'the administrator token', code: 'a printed link', oidc: 'the identity provider', bearer: 'a bearer token', local: 'being on this machine' }[who?.way ?? 'local']}</dd><dt>Session ends</dt><dd>{who?.expires ? <Time at={who.expires} style="full" /> : 'never'}</dd></dl></Card>;
}

const words = (operation: string) => operation.replace(/([A-Z])/g, ' $1').toLowerCase();

function Access({ of }: { of: Found }) {
  const { access } = of;
  const operations = [...new Set(access.roles.flatMap((one) => one.operations))].sort();
  return (
    <div class="stack">
      <div class="two">
        <Me />
        <Card title="Ways to sign in"><dl class="facts"><dt>Token</dt><dd>{access.token ? 'needed; only its hash is kept' : <Pill tone="warn">none is set: only this machine is answered</Pill>}</dd><dt>Identity provider</dt><dd>{access.oidc.enabled ? <><Text text={access.oidc.issuer ?? ''} limit={160} /><br /><small class="muted">client <Text text={access.oidc.clientId ?? ''} limit={80} />, roles from the claim <code>{access.oidc.roleClaim}</code></small></> : <span class="muted">none: <code>[console.oidc]</code> in castellan.toml sets one</span>}</dd></dl></Card>
      </div>
      <Card title="Sessions" note="Who is signed in now">
        {!access.sessions.length ? <Empty title="Nobody has a session" icon="user" /> : <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of sessions"><table class="plain-table"><thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col">By</th><th scope="col">Since</th><th scope="col">Last used</th></tr></thead><tbody>{access.sessions.map((one, index) => <tr key={index}><td><Text text={one.name} limit={80} /></td><td>{one.role}</td><td>{one.way}</td><td><Time at={one.since} /></td><td><Time at={one.lastUsed} /></td></tr>)}</tbody></table></div>}
      </Card>
      <Card title="Roles" note="What each may do. Decided by the Cedar policies in content/console.">
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of roles"><table class="plain-table matrix-roles"><thead><tr><th scope="col">Operation</th>{access.roles.map((one) => <th key={one.role} scope="col">{one.role}</th>)}</tr></thead><tbody>{operations.map((operation) => <tr key={operation}><th scope="row">{words(operation)}</th>{access.roles.map((one) => <td key={one.role}>{one.operations.includes(operation) ? <span class="good-text">yes</span> : <span class="muted">no</span>}</td>)}</tr>)}</tbody></table></div>
      </Card>
    </div>
  );
}

function Ways({ of }: { of: Found }) {
  if (!of.waysIn.length) return <Empty title="No way in is open" icon="settings">Events come by the Logs Ingestion API, OTLP, syslog, files, Kafka and the gate: see docs/intake.md.</Empty>;
  return <div class="table-scroll card" tabIndex={0} role="region" aria-label="Ways in"><table class="plain-table"><thead><tr><th scope="col">Kind</th><th scope="col">Where</th></tr></thead><tbody>{of.waysIn.map((one) => <tr key={one.kind + one.at}><td><b>{one.kind}</b></td><td class="long"><code><Text text={one.at} limit={300} /></code></td></tr>)}</tbody></table></div>;
}
