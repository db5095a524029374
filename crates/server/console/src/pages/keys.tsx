// Virtual keys: issued here, shown once, rotated and revoked.
import { useState } from 'preact/hooks';
import { useLoad, literal } from '../core/ask';
import { api, type Schemas } from '../core/api';
import { param, set } from '../core/route';
import { Button, copy, Empty, Failed, Field, Kql, Pill, Search, Select, Skeleton, useWork, type Tone } from '../ui/basics';
import { Dialog, Form } from '../ui/dialog';
import { Text, Time } from '../ui/text';

type Key = Schemas['Key'];
const tones: Record<string, Tone> = { active: 'good', future: 'accent', expired: 'calm', revoked: 'bad' };

export function Keys({ of }: { of: Schemas['Gate'] }) {
  const { data, problem, reload } = useLoad('keys', (abort) => api.keys(abort));
  const [issued, setIssued] = useState<Schemas['IssuedKey'] | undefined>(undefined);
  const [revoking, revoke] = useState<Key | undefined>(undefined);
  const [rotating, rotate] = useState<Key | undefined>(undefined);
  const wanted = (param('find') ?? '').toLowerCase();
  const [state, isNew] = [param('state') ?? 'active', param('new') === '1'];
  if (problem && !data) return <Failed what="Keys cannot be shown" problem={problem} retry={reload} />;
  if (!data) return <Skeleton lines={6} />;
  const shown = data.keys.filter((one) => (state === 'all' || one.state === state) && (!wanted || [one.name, one.owner, one.id].some((part) => part.toLowerCase().includes(wanted))));
  const came = (key: Schemas['IssuedKey']) => {
    set({ new: undefined });
    rotate(undefined);
    setIssued(key);
    reload();
  };
  return (
    <>
      <div class="toolbar">
        <Search label="Find an owner or a name" value={param('find') ?? ''} onChange={(find) => set({ find })} />
        <Select label="State" value={state} onChange={(value) => set({ state: value === 'active' ? undefined : value })} options={[['active', 'Active'], ['future', 'Not yet valid'], ['expired', 'Expired'], ['revoked', 'Revoked'], ['all', 'All']]} />
        <span class="push" />{of.keys ? <Button kind="primary" icon="plus" onClick={() => set({ new: '1' })}>Issue a key</Button> : <span class="muted">This gate has no store of keys.</span>}
      </div>
      {!shown.length ? <Empty title={data.keys.length ? 'No key fits these filters' : 'No keys yet'} icon="gate">{data.keys.length ? <Button onClick={() => set({ find: undefined, state: 'all' })}>Show all</Button> : 'A key lets an application through the gate without a credential of the provider.'}</Empty> : (
        <div class="table-scroll card" tabIndex={0} role="region" aria-label="Virtual keys">
          <table class="plain-table">
            <thead><tr><th scope="col">Key</th><th scope="col">Owner</th><th scope="col">May use</th><th scope="col">Last used</th><th scope="col">Expires</th><th scope="col">State</th><th scope="col"><span class="hidden">Actions</span></th></tr></thead>
            <tbody>{shown.map((one) => (
              <tr key={one.id}>
                <td><span class="two-lines"><b><Text text={one.name || one.id.slice(0, 8)} limit={60} /></b><small class="muted">{one.id.slice(0, 12)}</small></span></td>
                <td><Text text={one.owner} limit={60} /></td><td class="long"><Scopes of={one.scopes} /></td><td><Time at={one.lastUsed} /></td><td>{one.expires ? <Time at={one.expires} /> : <span class="muted">never</span>}</td>
                <td><Pill tone={tones[one.state]} title={one.revoked?.reason}>{one.state}</Pill></td>
                <td class="right nowrap"><Kql query={`CastellanGateDecisions\n| where CredentialId == ${literal(one.id)}\n| sort by TimeGenerated desc`} label={`requests with ${one.name}`} />{one.state === 'active' && of.keys && <><Button label={`Rotate ${one.name}`} onClick={() => rotate(one)}>Rotate</Button> <Button label={`Revoke ${one.name}`} onClick={() => revoke(one)}>Revoke</Button></>}</td>
              </tr>
            ))}</tbody>
          </table>
        </div>
      )}
      {isNew && of.keys && <IssueForm of={of} onClose={() => set({ new: undefined })} onIssued={came} />}
      {rotating && <RotateForm of={rotating} onClose={() => rotate(undefined)} onIssued={came} />}
      {revoking && <RevokeForm of={revoking} onClose={() => revoke(undefined)} onDone={() => { revoke(undefined); reload(); }} />}
      {issued && <Shown of={issued} onClose={() => setIssued(undefined)} />}
    </>
  );
}

function Scopes({ of }: { of: Schemas['KeyScopes'] }) {
  const all = Object.entries(of).flatMap(([kind, names]) => (names as string[] | undefined)?.map((name) => [kind, name] as const) ?? []);
  if (!all.length) return <span class="muted">nothing</span>;
  return <span class="tags">{all.slice(0, 5).map(([kind, name]) => <Pill key={kind + name}>{kind !== 'models' && <span class="muted">{kind}</span>}<Text text={name} limit={40} /></Pill>)}{all.length > 5 && <span class="muted">and {all.length - 5} more</span>}</span>;
}

const names = (text: string) => text.split(',').map((one) => one.trim()).filter(Boolean);

function IssueForm({ of, onClose, onIssued }: { of: Schemas['Gate']; onClose: () => void; onIssued: (key: Schemas['IssuedKey']) => void }) {
  const [owner, setOwner] = useState('');
  const [name, setName] = useState('');
  const [models, setModels] = useState('*');
  const [tools, setTools] = useState('');
  const [days, setDays] = useState('90');
  const { work, isWorking } = useWork();
  const submit = () => void work(async () => {
    const expires = days ? new Date(Date.now() + Number(days) * 86_400_000).toISOString() : null;
    onIssued(await api.issueKey({ owner: owner.trim(), name: name.trim(), scopes: { models: names(models), ...(tools.trim() ? { tools: names(tools), servers: ['*'] } : {}) }, expires }));
  });
  return (
    <Form title="Issue a virtual key" action="Issue key" onSubmit={submit} onClose={onClose} isWorking={isWorking}>
      <Field label="Owner" hint="Who answers for it: a person or a team."><input class="input" required maxLength={1024} value={owner} onInput={(event) => setOwner(event.currentTarget.value)} /></Field>
      <Field label="Name" hint="The application that uses it."><input class="input" maxLength={1024} value={name} onInput={(event) => setName(event.currentTarget.value)} /></Field>
      <Field label="Models" hint={`Names with commas between; a star at the end stands for anything. Here are ${of.models.slice(0, 4).map((one) => one.alias).join(', ') || 'none yet'}.`}><input class="input" required value={models} onInput={(event) => setModels(event.currentTarget.value)} /></Field>
      <Field label="Tools" hint="Empty for none."><input class="input" value={tools} onInput={(event) => setTools(event.currentTarget.value)} /></Field>
      <Field label="Valid for"><Select value={days} onChange={setDays} options={[['1', '1 day'], ['30', '30 days'], ['90', '90 days'], ['365', '1 year'], ['', 'Without end']]} /></Field>
    </Form>
  );
}

function RotateForm({ of, onClose, onIssued }: { of: Key; onClose: () => void; onIssued: (key: Schemas['IssuedKey']) => void }) {
  const [overlap, setOverlap] = useState('3600');
  const { work, isWorking } = useWork();
  return (
    <Form title={`Rotate ${of.name || of.id.slice(0, 8)}`} action="Rotate" isWorking={isWorking} onClose={onClose} onSubmit={() => void work(async () => onIssued(await api.rotateKey(of.id, { overlapSeconds: Number(overlap) })))}>
      <p>A new key takes its place, with the same owner and scopes.</p>
      <Field label="The old key goes on for"><Select value={overlap} onChange={setOverlap} options={[['0', 'not at all'], ['3600', '1 hour'], ['86400', '1 day'], ['604800', '1 week']]} /></Field>
    </Form>
  );
}

function RevokeForm({ of, onClose, onDone }: { of: Key; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState('');
  const { work, isWorking } = useWork();
  return (
    <Form title={`Revoke ${of.name || of.id.slice(0, 8)}`} action="Revoke key" danger isWorking={isWorking} onClose={onClose} onSubmit={() => void work(async () => { await api.revokeKey(of.id, { reason, lineage: true }); onDone(); return 'The key is refused from now on.'; })}>
      <p>Whoever uses it is refused within seconds. This cannot be undone.</p>
      <Field label="Why"><input class="input" required maxLength={256} value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></Field>
    </Form>
  );
}

function Shown({ of, onClose }: { of: Schemas['IssuedKey']; onClose: () => void }) {
  return (
    <Dialog title="The new key" onClose={onClose} actions={<><Button icon="copy" onClick={() => copy(of.key, 'The key is in the clipboard.')}>Copy</Button><Button kind="primary" onClick={onClose}>I have it</Button></>}>
      <p><b>It is shown this once.</b> Castellan keeps a hash of it alone.</p>
      <p class="secret"><code data-key>{of.key}</code></p>
      <p class="note">Clients send it as <code>Authorization: Bearer</code>, <code>api-key</code> or <code>x-api-key</code>.</p>
    </Dialog>
  );
}
