// Orders to the gate: who or what is blocked, slowed down or watched.
import { useState } from 'preact/hooks';
import { api, may, type Schemas } from '../core/api';
import { useLoad } from '../core/ask';
import { queries } from '../core/queries';
import { param, set } from '../core/route';
import { subjectKinds, type Subject } from '../core/subjects';
import { Button, Empty, Failed, Field, Kql, Pill, Select, Skeleton, useWork } from '../ui/basics';
import { Form } from '../ui/dialog';
import { Text, Time } from '../ui/text';

const measures: [Schemas['Measure'], string][] = [['block', 'Block: refuse every request'], ['throttle', 'Slow down: so many a minute'], ['require-approval', 'Put before a person'], ['tighten', 'Make guardrails stricter']];
const untils: [string, string][] = [['1', '1 hour'], ['24', '1 day'], ['168', '1 week'], ['', 'Until it is lifted']];

export function OrderForm({ start, reason: why = '', onClose, onGiven }: { start?: Partial<Subject>; reason?: string; onClose: () => void; onGiven: (order: Schemas['Order']) => void }) {
  const [measure, setMeasure] = useState<Schemas['Measure']>('block');
  const [kind, setKind] = useState<Schemas['SubjectKind']>(start?.kind ?? 'principal');
  const [subject, setSubject] = useState(start?.subject ?? '');
  const [reason, setReason] = useState(why.slice(0, 1000));
  const [hours, setHours] = useState('24');
  const [perMinute, setPerMinute] = useState(6);
  const { work, isWorking } = useWork();
  const submit = () => void work(async () => {
    const until = hours ? new Date(Date.now() + Number(hours) * 3_600_000).toISOString() : null;
    const order = await api.giveOrder({ measure, kind, subject: subject.trim(), reason, until, perMinute: measure === 'throttle' ? perMinute : null, guardrail: measure === 'tighten' ? 'all' : null, level: measure === 'tighten' ? 'low' : null });
    onGiven(order);
    return 'The order holds from the next request on.';
  });
  return (
    <Form title="Order to the gate" action={measure === 'block' ? 'Block' : 'Give order'} danger={measure === 'block'} onSubmit={submit} onClose={onClose} isWorking={isWorking}>
      <Field label="Measure"><Select value={measure} onChange={(value) => setMeasure(measures.find(([name]) => name === value)![0])} options={measures} /></Field>
      {measure === 'throttle' && <Field label="Requests a minute"><input class="input" type="number" min={0} max={100000} required value={perMinute} onInput={(event) => setPerMinute(Number(event.currentTarget.value))} /></Field>}
      <Field label="Whom"><Select value={kind} onChange={(value) => setKind(subjectKinds.find(([name]) => name === value)![0])} options={subjectKinds} /></Field>
      <Field label="Id" hint={kind === 'principal' ? 'The object id of a user or an application, as in PrincipalObjectId of decisions.' : undefined}><input class="input" required maxLength={4096} value={subject} onInput={(event) => setSubject(event.currentTarget.value)} /></Field>
      <Field label="Reason"><textarea class="input" rows={2} required maxLength={4000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></Field>
      <Field label="For"><Select value={hours} onChange={setHours} options={untils} /></Field>
    </Form>
  );
}

export function Orders({ canOrder }: { canOrder: boolean }) {
  const { data, problem, reload } = useLoad('orders', (abort) => api.orders(abort), ['incident']);
  const { work, isWorking } = useWork();
  const isNew = param('new') === '1';
  const [lifting, lift] = useState<Schemas['Order'] | undefined>(undefined);
  if (problem && !data) return <Failed what="Orders cannot be shown" problem={problem} retry={reload} />;
  if (!data) return <Skeleton lines={6} />;
  return (
    <>
      <div class="toolbar"><p class="note">What people and playbooks told the gate. An order holds from the next request on.</p>{canOrder && may('responder') && <Button kind="primary" icon="plus" onClick={() => set({ new: '1' })}>New order</Button>}<Kql query={queries.decisionsOf('block')} label="blocked requests" /></div>
      {!canOrder && <p class="hint-line">This gate takes no orders: name a file as <code>orders</code> in its configuration.</p>}
      {!data.orders.length ? <Empty title="No orders hold" icon="gate">Nobody and nothing is blocked. Incidents have a button Contain, and playbooks give orders as well.</Empty> : (
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Orders">
          <table class="plain-table">
            <thead><tr><th scope="col">Measure</th><th scope="col">Whom</th><th scope="col">Reason</th><th scope="col">Since</th><th scope="col">Until</th><th scope="col"><span class="hidden">Lift</span></th></tr></thead>
            <tbody>{data.orders.map((one) => (
              <tr key={one.id}>
                <td><Pill tone={one.measure === 'block' ? 'bad' : 'warn'}>{one.measure}{one.perMinute !== undefined && ` ${one.perMinute}/min`}</Pill></td>
                <td><span class="two-lines"><Text text={one.subject} limit={80} /><small class="muted">{one.kind}</small></span></td>
                <td class="long"><Text text={one.reason} limit={160} label="Reason" /></td><td><Time at={one.given} /></td><td>{one.expires ? <Time at={one.expires} /> : <span class="muted">it is lifted</span>}</td>
                <td class="right">{canOrder && may('responder') && <Button label={`Lift the order on ${one.subject}`} onClick={() => lift(one)}>Lift</Button>}</td>
              </tr>
            ))}</tbody>
          </table>
        </div>
      )}
      {isNew && canOrder && <OrderForm onClose={() => set({ new: undefined })} onGiven={() => { set({ new: undefined }); reload(); }} />}
      {lifting && <Form title="Lift this order?" action="Lift order" isWorking={isWorking} onClose={() => lift(undefined)} onSubmit={() => void work(async () => { await api.liftOrder(lifting.id); lift(undefined); reload(); return 'The order was lifted.'; })}><p><Text text={lifting.subject} /> is served again from the next request on.</p><p class="note"><Text text={lifting.reason} /></p></Form>}
    </>
  );
}
