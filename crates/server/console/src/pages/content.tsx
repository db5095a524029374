// Content and its health: analytics rules, sources of events, and what they reported.
import { useMemo, useState } from 'preact/hooks';
import { count, number, text, useLoad, useQueries, type Row } from '../core/ask';
import { api, may, type Schemas } from '../core/api';
import { queries } from '../core/queries';
import { href, param, set } from '../core/route';
import { span } from '../core/time';
import { Button, Choices, Empty, Failed, Kql, Pill, Search, Select, Severity, Skeleton, TabPanel, Tabs, useWork, type Tone } from '../ui/basics';
import { Code } from '../ui/code';
import { Form, Pane } from '../ui/dialog';
import { List, type Column } from '../ui/list';
import { Prose, Text, Time } from '../ui/text';

type Rule = Schemas['Rule'];
const severities = ['High', 'Medium', 'Low', 'Informational'];
const modes: Record<string, [string, Tone]> = { row: ['streaming', 'good'], window: ['windows', 'good'], scheduled: ['scheduled', 'calm'], off: ['off', 'warn'] };
const isFailing = (rule: Rule) => rule.errors.length > 0 || /fail|error/i.test(rule.lastStatus);

const columns: Column<Rule>[] = [
  { name: 'health', title: 'Health', width: '84px', show: (rule) => (isFailing(rule) ? <Pill tone="bad">failing</Pill> : !rule.enabled ? <Pill tone="warn">off</Pill> : rule.lastRun ? <Pill tone="good">healthy</Pill> : <Pill>waiting</Pill>), by: (rule) => (isFailing(rule) ? 0 : rule.enabled ? 2 : 1) },
  { name: 'name', title: 'Rule', width: 'minmax(0, 2.6fr)', show: (rule) => <span class="two-lines"><Text text={rule.name} limit={120} /></span>, by: (rule) => rule.name },
  { name: 'severity', title: 'Severity', width: '92px', isWide: true, show: (rule) => <Severity of={rule.severity} />, by: (rule) => severities.indexOf(rule.severity) },
  { name: 'mode', title: 'Runs', width: '92px', isWide: true, show: (rule) => <Pill tone={modes[rule.mode]?.[1]}>{modes[rule.mode]?.[0] ?? rule.mode}</Pill>, by: (rule) => rule.mode },
  { name: 'last', title: 'Last run', width: '92px', isWide: true, show: (rule) => <Time at={rule.lastRun} />, by: (rule) => rule.lastRun ?? '' },
  { name: 'lag', title: 'Lag', width: '64px', isWide: true, isNumber: true, show: (rule) => <span class="num">{rule.lagSeconds === null ? '–' : span(rule.lagSeconds)}</span>, by: (rule) => rule.lagSeconds ?? -1 },
  { name: 'alerts', title: 'Alerts', width: '64px', isNumber: true, show: (rule) => <span class="num">{rule.alerts ? count(rule.alerts) : '–'}</span>, by: (rule) => rule.alerts },
];

export function Content() {
  const tab = param('tab') ?? 'rules';
  return (
    <div class="stack">
      <Tabs label="Content" value={tab} onChange={(value) => set({ tab: value === 'rules' ? undefined : value, sel: undefined, find: undefined })} tabs={[['rules', 'Rules'], ['sources', 'Sources'], ['events', 'Health events']]} />
      <TabPanel of={tab}>{tab === 'sources' ? <Sources /> : tab === 'events' ? <HealthEvents /> : <Rules />}</TabPanel>
    </div>
  );
}

function Rules() {
  const { data, problem, reload } = useLoad('rules', (abort) => api.rules(abort), ['alert']);
  const [wanted, mode, state, selected] = [(param('find') ?? '').toLowerCase(), param('mode'), param('state'), param('sel')];
  const all = data?.rules ?? [];
  const shown = useMemo(() => all.filter((rule) => (!mode || rule.mode === mode) && (!state || (state === 'failing' ? isFailing(rule) : state === 'ours' ? rule.isOurs : rule.alerts > 0)) && (!wanted || [rule.name, rule.id, rule.description, ...rule.tactics, ...rule.techniques].some((part) => part.toLowerCase().includes(wanted)))), [all, mode, state, wanted]);
  const chosen = all.find((rule) => rule.id === selected);
  if (problem && !data) return <Failed what="Rules cannot be shown" problem={problem} retry={reload} />;
  return (
    <div class="split" data-open={selected ? '' : undefined}>
      <section class="queue" aria-label="Rules">
        <div class="filters">
          <Search label="Find a name, tactic or technique" value={param('find') ?? ''} onChange={(find) => set({ find })} />
          <Select label="State" value={state ?? ''} onChange={(value) => set({ state: value || undefined })} options={[['', 'All rules'], ['failing', 'Failing'], ['alerting', 'With alerts'], ['ours', 'Saved here']]} />
          <Choices label="How they run" value={mode} onChange={(value) => set({ mode: value })} options={Object.keys(modes).map((name) => ({ name, shown: modes[name]![0], count: all.filter((rule) => rule.mode === name).length }))} />
          <div class="filters-end"><span class="muted num" role="status">{count(shown.length)} of {count(all.length)}</span><a class="button" href={href('hunting')}>Write a rule</a><Kql query={queries.health} label="health of rules" /></div>
        </div>
        {!data ? <Skeleton lines={12} /> : !shown.length ? <Empty title={all.length ? 'No rule fits these filters' : 'No rules run here'} icon="content">{all.length ? <Button onClick={() => set({ find: undefined, mode: undefined, state: undefined })}>Clear filters</Button> : <>Rules built in run with <code>castellan up</code>; your own are saved from hunting.</>}</Empty>
          : <List label="Rules" items={shown} columns={columns} idOf={(rule) => rule.id} selected={selected} sort={param('sort')} onSort={(sort) => set({ sort })} onSelect={(rule) => set({ sel: rule.id })} tone={(rule) => (isFailing(rule) ? 'failing' : undefined)} />}
      </section>
      {chosen && <RulePane key={chosen.id} of={chosen} onChanged={reload} />}
    </div>
  );
}

function RulePane({ of, onChanged }: { of: Rule; onChanged: () => void }) {
  const [isRemoving, remove] = useState(false);
  const { work, isWorking } = useWork();
  const close = () => set({ sel: undefined });
  return (
    <Pane title={<Text text={of.name} limit={200} />} label="Rule" onClose={close} head={
      <>
        <div class="pane-facts"><Severity of={of.severity} /><Pill tone={modes[of.mode]?.[1]}>{modes[of.mode]?.[0] ?? of.mode}</Pill>{of.tactics.map((one) => <Pill key={one} tone="accent">{one}</Pill>)}{of.techniques.map((one) => <Pill key={one}>{one}</Pill>)}</div>
        <div class="actions"><a class="button" href={href('hunting', { q: of.query })}>Open in hunting</a>{of.isOurs && may('administrator') && <Button onClick={() => remove(true)}>Remove…</Button>}</div>
      </>
    }>
      {of.errors.length > 0 && <div class="failed" role="alert"><div><p class="empty-title">It cannot run</p>{of.errors.slice(0, 5).map((one, index) => <p key={index}><Text text={one} limit={400} label="Error" /></p>)}</div></div>}
      <p><Prose text={of.description} limit={1500} label="Description" /></p>
      <dl class="facts">
        <dt>Runs</dt><dd>{of.mode === 'scheduled' ? <>every {of.frequency}, over {of.period}{of.modeReason && <small class="muted">: not streaming, since <Text text={of.modeReason} limit={200} /></small>}</> : of.mode === 'off' ? 'not at all' : 'on each event as it comes'}</dd>
        <dt>Last run</dt><dd><Time at={of.lastRun} />{of.lastStatus && `: ${of.lastStatus}`}{of.lagSeconds !== null && `, ${span(of.lagSeconds)} behind`}</dd>
        <dt>Alerts</dt><dd><Kql query={queries.ruleAlerts(of.name)} label={`Alerts of ${of.name}`}><b class="num">{count(of.alerts)}</b></Kql> since the start</dd>
        <dt>Alert when</dt><dd>rows {of.trigger.operator === 'GreaterThan' ? 'are more than' : of.trigger.operator === 'LessThan' ? 'are fewer than' : of.trigger.operator === 'Equal' ? 'are exactly' : 'are not'} {of.trigger.threshold}</dd>
        <dt>Stands in</dt><dd class="break"><Text text={of.source} limit={200} /></dd>
        <dt>Health</dt><dd><Kql query={queries.ruleHealth(of.name)} label="health of this rule" /></dd>
      </dl>
      <Code text={of.query} label="Query" />
      {isRemoving && <Form title="Remove this rule?" action="Remove rule" danger isWorking={isWorking} onClose={() => remove(false)} onSubmit={() => void work(async () => { await api.removeRule(of.id); remove(false); close(); onChanged(); return 'The rule was removed.'; })}><p>It stops at once. Alerts and incidents that it raised stay.</p></Form>}
    </Pane>
  );
}

const sourceTone = (status: string): Tone => (/silent|late/i.test(status) ? 'bad' : /healthy|ok|active|success/i.test(status) ? 'good' : 'plain');
const sourceColumns: Column<Row>[] = [
  { name: 'table', title: 'Table', width: 'minmax(0, 1.6fr)', show: (row) => <b>{text(row['SourceTable'])}</b>, by: (row) => text(row['SourceTable']) },
  { name: 'status', title: 'Status', width: '110px', show: (row) => <Pill tone={sourceTone(text(row['Status']))}>{text(row['Status'])}</Pill>, by: (row) => text(row['Status']) },
  { name: 'last', title: 'Last event', width: '110px', show: (row) => <Time at={text(row['LastReceived']) || null} />, by: (row) => text(row['LastReceived']) },
  { name: 'silent', title: 'Silent for', width: '96px', isWide: true, isNumber: true, show: (row) => <span class="num">{span(number(row['SilentSeconds']))}</span>, by: (row) => number(row['SilentSeconds']) },
  { name: 'usual', title: 'Usual pause', width: '100px', isWide: true, isNumber: true, show: (row) => <span class="num">{row['UsualPauseSeconds'] === null ? '–' : span(number(row['UsualPauseSeconds']))}</span>, by: (row) => number(row['UsualPauseSeconds']) },
  { name: 'rows', title: 'Rows', width: '90px', isWide: true, isNumber: true, show: (row) => <Kql query={`${text(row['SourceTable'])}\n| sort by TimeGenerated desc\n| take 1000`} label={`${text(row['RowCount'])} rows of ${text(row['SourceTable'])}`}><span class="num">{count(number(row['RowCount']))}</span></Kql>, by: (row) => number(row['RowCount']) },
];

function Sources() {
  const { data, problem, reload } = useQueries({ all: { query: queries.sources, timed: true } });
  const fault = problem && !data ? problem : data?.all.problem;
  if (fault) return <Failed what="Sources cannot be shown" problem={fault} retry={reload} />;
  if (!data) return <Skeleton lines={8} />;
  if (!data.all.rows.length) return <Empty title="No source was looked at in this time" icon="content">Every table that receives events is looked at every few minutes. Send events in: <a href={href('settings', { tab: 'ways' })}>ways in</a>.</Empty>;
  return <section class="queue" aria-label="Sources"><div class="toolbar"><p class="note">Each table that receives events, and whether it has gone silent for longer than it usually does.</p><Kql query={queries.sources} label="sources" /></div><List label="Sources" items={data.all.rows} columns={sourceColumns} idOf={(row) => text(row['SourceTable'])} sort={param('sort')} onSort={(sort) => set({ sort })} /></section>;
}

const healthColumns: Column<Row>[] = [
  { name: 'time', title: 'When', width: '100px', show: (row) => <Time at={text(row['TimeGenerated'])} />, by: (row) => text(row['TimeGenerated']) },
  { name: 'status', title: 'Status', width: '96px', show: (row) => <Pill tone={/success/i.test(text(row['Status'])) ? 'good' : /fail/i.test(text(row['Status'])) ? 'bad' : 'warn'}>{text(row['Status'])}</Pill>, by: (row) => text(row['Status']) },
  { name: 'what', title: 'What', width: 'minmax(0, 1.4fr)', show: (row) => <span class="two-lines"><Text text={text(row['SentinelResourceName'])} limit={90} /><small class="muted">{text(row['OperationName'])}</small></span>, by: (row) => text(row['SentinelResourceName']) },
  { name: 'told', title: 'Told', width: 'minmax(0, 2fr)', isWide: true, show: (row) => <Text text={text(row['Description']) || text(row['Reason'])} limit={200} label="Told" /> },
];

function HealthEvents() {
  const { data, problem, reload } = useQueries({ all: { query: queries.health, timed: true } });
  const fault = problem && !data ? problem : data?.all.problem;
  const only = param('status');
  if (fault) return <Failed what="Health events cannot be shown" problem={fault} retry={reload} />;
  if (!data) return <Skeleton lines={8} />;
  const statuses = [...new Set(data.all.rows.map((row) => text(row['Status'])))];
  const shown = data.all.rows.filter((row) => !only || row['Status'] === only);
  return (
    <section class="queue" aria-label="Health events">
      <div class="toolbar"><Choices label="Status" value={only} onChange={(value) => set({ status: value })} options={statuses.map((name) => ({ name, count: data.all.rows.filter((row) => row['Status'] === name).length }))} /><Kql query={queries.health} label="health events" /></div>
      {shown.length ? <List label="Health events" items={shown} columns={healthColumns} idOf={(row) => `${text(row['TimeGenerated'])} ${text(row['SentinelResourceName'])} ${text(row['OperationName'])}`} sort={param('sort')} onSort={(sort) => set({ sort })} /> : <Empty title="Nothing was reported in this time" />}
    </section>
  );
}
