// The overview: how well the estate is kept, what is going on, and which layers protect each workload.
import type { ComponentChildren } from 'preact';
import { brief, count, number, text, useQueries, type Result } from '../core/ask';
import { api, may } from '../core/api';
import { queries } from '../core/queries';
import { href, set } from '../core/route';
import { bin, range } from '../core/time';
import { actionColors, actionOrder, severityColors, severityOrder, timeSeries } from '../core/series';
import { SeriesChart } from '../charts/series';
import { BarList, Meter, Parts, Sparkline } from '../charts/small';
import { Button, Card, Empty, Failed, Kql, Severity, Skeleton, useWork } from '../ui/basics';
import { Text } from '../ui/text';
import { Coverage } from './coverage';

type Name = 'scores' | 'coverage' | 'open' | 'decisions' | 'tokens' | 'alerts' | 'who' | 'risks' | 'totals';

export function Overview() {
  const width = bin(range().seconds);
  const estate = useQueries({ scores: { query: queries.scores }, coverage: { query: queries.coverage, limit: 20_000 }, risks: { query: queries.topRisks } }, ['posture']);
  const events = useQueries(
    {
      open: { query: queries.openIncidents },
      decisions: { query: queries.decisions(width), timed: true },
      totals: { query: queries.decisionTotals, timed: true },
      tokens: { query: queries.tokens(width), timed: true },
      alerts: { query: queries.alerts(width), timed: true },
      who: { query: queries.blockedWho, timed: true },
    },
    ['decision', 'alert', 'incident'],
  );
  const problem = (estate.data ? undefined : estate.problem) ?? (events.data ? undefined : events.problem);
  if (problem) return <Failed what="The overview cannot be shown" problem={problem} retry={() => { estate.reload(); events.reload(); }} />;
  return (
    <div class="overview">
      <div class="figures" aria-busy={!estate.data || !events.data}>
        {estate.data ? <PostureFigures result={estate.data.scores} /> : <Waiting many={3} />}
        {events.data ? <EventFigures open={events.data.open} totals={events.data.totals} decisions={events.data.decisions} width={width} /> : <Waiting many={2} />}
      </div>
      {estate.data ? <Coverage result={estate.data.coverage} reload={estate.reload} /> : <Card title="Layer coverage"><Skeleton lines={7} tall /></Card>}
      <div class="two">{events.data ? <Traffic data={events.data} width={width} reload={events.reload} /> : <><Card title="Gate decisions"><Skeleton tall /></Card><Card title="Alerts"><Skeleton tall /></Card></>}</div>
      <div class="two">
        {estate.data ? <Risks result={estate.data.risks} reload={estate.reload} /> : <Card title="Worst risks"><Skeleton /></Card>}
        {events.data ? <Who result={events.data.who} /> : <Card title="Most often blocked"><Skeleton /></Card>}
      </div>
    </div>
  );
}

const Waiting = ({ many }: { many: number }) => <>{Array.from({ length: many }, (_, index) => <div class="figure" key={index}><Skeleton lines={2} /></div>)}</>;

function Figure({ title, value, of, children, query, timed, told }: { title: string; value: string; of?: string; children?: ComponentChildren; query: string; timed?: boolean; told: string }) {
  return (
    <div class="figure">
      <p class="figure-title">{title}</p>
      <p class="figure-value"><Kql query={query} timed={timed ?? false} label={told}><b class="num">{value}</b>{of && <span class="muted"> {of}</span>}</Kql></p>
      {children}
    </div>
  );
}

function PostureFigures({ result }: { result: Result }) {
  const row = result.rows[0];
  const { work, isWorking } = useWork();
  if (!row) {
    return (
      <div class="figure wide">
        <p class="figure-title">Posture</p>
        {result.problem ? <p class="field-problem" role="alert">{result.problem}</p> : <p class="note">Nothing was scanned yet, so there is no score. {may('administrator') && <Button disabled={isWorking} onClick={() => void work(async () => { await api.scan(); return 'The estate is being scanned.'; })}>Scan now</Button>}</p>}
      </div>
    );
  }
  const [score, most] = [number(row['SecureScore']), number(row['SecureScoreMax'])];
  const share = Math.round(number(row['SecureScorePercent'] ?? (most > 0 ? (score / most) * 100 : 0)));
  const risk = Math.round(number(row['RiskScore']));
  const severities = ['Critical', 'High', 'Medium', 'Low', 'Info'].map((name) => ({ name, value: number(row[name]), color: name.toLowerCase() }));
  return (
    <>
      <Figure title="Secure score" value={`${share} %`} of={`${brief(score)} of ${brief(most)} points`} query={queries.scores} told={`Secure score ${share} percent`}>
        <Meter value={share} most={100} tone={share >= 80 ? 'good' : share >= 50 ? 'warn' : 'bad'} label={`${share} of 100`} />
        <p class="note">{count(number(row['Compliant']))} checks met, {count(number(row['Unknown']))} cannot be told, {count(number(row['Exempt']))} exempt</p>
      </Figure>
      <Figure title="Risk" value={String(risk)} of="of 100" query={queries.topRisks} told={`Risk ${risk} of 100`}>
        <Meter value={risk} most={100} tone={risk >= 60 ? 'bad' : risk >= 30 ? 'warn' : 'good'} label={`${risk} of 100`} />
        <p class="note">over {count(number(row['Resources']))} resources{number(row['RiskScoreUpper']) > number(row['RiskScore']) && <>; up to {Math.round(number(row['RiskScoreUpper']))} with what cannot be told</>}</p>
      </Figure>
      <Figure title="Violations" value={count(severities.reduce((sum, one) => sum + one.value, 0))} query={queries.inState('Unhealthy')} told="Violations">
        <Parts parts={severities} label="Violations by severity" />
        <p class="counts">{severities.filter((one) => one.value > 0).map((one) => <Kql key={one.name} query={queries.violations(one.color)} timed={false} label={`${one.value} ${one.name}`}><i class={`swatch ${one.color}`} /><b class="num">{one.value}</b> {one.color}</Kql>)}</p>
      </Figure>
    </>
  );
}

function EventFigures({ open, totals, decisions, width }: { open: Result; totals: Result; decisions: Result; width: string }) {
  const by = (name: string) => number(open.rows.find((row) => row['Severity'] === name)?.['Count']);
  const incidents = severityOrder.toReversed().map((name) => ({ name, value: by(name), color: { High: 'high', Medium: 'medium', Low: 'low', Informational: 'info' }[name]! }));
  const action = (name: string) => number(totals.rows.find((row) => row['Action'] === name)?.['Count']);
  const all = totals.rows.reduce((sum, row) => sum + number(row['Count']), 0);
  const spark = timeSeries(decisions.rows.filter((row) => row['Action'] === 'block'), range(), width, undefined, ['Count'], {}, []).series[0]?.values ?? [];
  return (
    <>
      <Figure title="Open incidents" value={count(incidents.reduce((sum, one) => sum + one.value, 0))} query={queries.openIncidents} told="Open incidents">
        {open.problem ? <p class="field-problem" role="alert">{open.problem}</p> : <><Parts parts={incidents} label="Open incidents by severity" />
          <p class="counts">{incidents.filter((one) => one.value > 0).map((one) => <Kql key={one.name} query={queries.incidentsOf(one.name)} timed={false} label={`${one.value} ${one.name}`}><i class={`swatch ${one.color}`} /><b class="num">{one.value}</b> {one.color}</Kql>)}</p></>}
      </Figure>
      <Figure title="Blocked at the gate" value={brief(action('block'))} of={`of ${brief(all)} requests`} query={queries.decisionsOf('block')} timed told={`${action('block')} requests blocked`}>
        {totals.problem ? <p class="field-problem" role="alert">{totals.problem}</p> : <><Sparkline values={spark} color="bad" />
          <p class="counts">{['redact', 'require_approval', 'annotate'].filter((name) => action(name)).map((name) => <Kql key={name} query={queries.decisionsOf(name)} label={`${action(name)} ${name}`}><b class="num">{brief(action(name))}</b> {{ redact: 'redacted', require_approval: 'for approval', annotate: 'annotated' }[name]}</Kql>)}</p></>}
      </Figure>
    </>
  );
}

function Traffic({ data, width, reload }: { data: Record<Exclude<Name, 'scores' | 'coverage' | 'risks'>, Result>; width: string; reload: () => void }) {
  const at = range();
  const decisions = timeSeries(data.decisions.rows, at, width, 'Action', ['Count'], actionColors, actionOrder);
  const alerts = timeSeries(data.alerts.rows, at, width, 'AlertSeverity', ['Count'], severityColors, severityOrder);
  const tokens = timeSeries(data.tokens.rows, at, width, undefined, ['Input', 'Output'], { Input: 'c1', Output: 'c3' }, ['Input', 'Output']);
  const zoom = (starts: Date[]) => (index: number) => {
    const from = starts[index];
    if (from) set({ range: undefined, from: from.toISOString(), to: (starts[index + 1] ?? at.to).toISOString() }, 'push');
  };
  const none = (result: Result, what: string) => (result.problem ? <Failed what={`${what} cannot be shown`} problem={result.problem} retry={reload} /> : undefined);
  return (
    <>
      <Card title="Gate decisions" note={`By action, each bar ${width}. A click zooms in.`} kql={queries.decisions(width)}>
        {none(data.decisions, 'Decisions') ?? (decisions.series.length ? <SeriesChart label="Gate decisions" kind="bars" {...decisions} onChoose={zoom(decisions.starts)} unit="requests" />
          : <Empty title="No request passed the gate in this time" icon="gate">Point a client at the gate, or choose a longer time. <a href={href('gate')}>How the gate stands</a></Empty>)}
      </Card>
      <Card title="Alerts" note="By severity" kql={queries.alerts(width)}>
        {none(data.alerts, 'Alerts') ?? (alerts.series.length ? <SeriesChart label="Alerts" kind="bars" {...alerts} onChoose={zoom(alerts.starts)} unit="alerts" /> : <Empty title="No alert in this time">Rules are running: <a href={href('content')}>their health</a></Empty>)}
      </Card>
      <Card title="Tokens" note="Input and output of all models" kql={queries.tokens(width)} class="span">
        {none(data.tokens, 'Tokens') ?? (tokens.series.length ? <SeriesChart label="Tokens" kind="area" isStacked {...tokens} height={150} onChoose={zoom(tokens.starts)} unit="tokens" /> : <Empty title="No tokens were counted in this time" icon="chart" />)}
      </Card>
    </>
  );
}

function Risks({ result, reload }: { result: Result; reload: () => void }) {
  return (
    <Card title="Worst risks" note="What lowers the risk most when it is mended" kql={queries.topRisks} timed={false} actions={<a href={href('recommendations')}>All recommendations</a>}>
      {result.problem ? <Failed what="Risks cannot be shown" problem={result.problem} retry={reload} /> : !result.rows.length ? <Empty title="No violation was found" /> : (
        <ul class="rows">
          {result.rows.map((row) => (
            <li key={text(row['Id'])}>
              <a class="row-link" href={href('recommendations', { sel: text(row['Id']) })}><Severity of={text(row['Severity'])} /><span class="row-main"><Text text={text(row['Title'])} limit={110} /><small><Text text={text(row['ResourceName'])} limit={80} /></small></span><span class="num gain" title="How much the risk goes down">−{number(row['RiskGain']).toFixed(1)}</span></a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Who({ result }: { result: Result }) {
  return (
    <Card title="Most often blocked" note="People and applications whose requests were refused" kql={queries.blockedWho} actions={<a href={href('gate', { tab: 'orders' })}>Orders</a>}>
      {result.problem ? <Failed what="Blocked requests cannot be shown" problem={result.problem} /> : result.rows.length ? <BarList bars={result.rows.map((row) => ({ name: text(row['PrincipalName']), shown: <Text text={text(row['PrincipalName']) || '(no name)'} limit={60} />, value: number(row['Count']), color: 'bad' }))} />
        : <Empty title="Nobody was blocked in this time" />}
    </Card>
  );
}

