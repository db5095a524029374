// A server that answers as castellan does, with invented data: for developing pages, and for tests of them.
//
//   node dev/mock.mjs [--port 8799] [--role reader|responder|administrator]
//
// Its token is `demo-token`. `x-mock-mode` (or the cookie `mock_mode`) makes it answer `empty`, `error`, or `slow` (never); tests use that.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { Fault, run, tokens } from './kql.mjs';
import { decision, many, table, world } from './data.mjs';

const dist = new URL('../dist/', import.meta.url);
const option = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const guards = { 'content-security-policy': policy, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin' };
const TOKEN = 'demo-token';
const CSRF = 'csrf-of-the-mock';

class Refusal extends Error {
  constructor(status, message, position) {
    super(message);
    Object.assign(this, { status, position });
  }
}

export function start({ port = 0, role = 'administrator' } = {}) {
  const state = { ...world(), role, orders: [], keys: [], saved: [], exempt: new Map(), streams: new Set(), sequence: 0 };
  state.tables.ManyRows = many(100_000);
  state.orders.push({ id: 'order-1', measure: 'throttle', perMinute: 6, kind: 'principal', subject: state.people[6][1], reason: 'Playbook token-abuse: spends 14 times the tokens of its peers', given: new Date(Date.now() - 7_200_000).toISOString(), expires: new Date(Date.now() + 14_400_000).toISOString() });
  for (const [index, [owner, name, models]] of [['ann.keller@harbour.example', 'chat-app', ['gpt-*']], ['claims team', 'claims-portal', ['gpt-5.4', 'gpt-4o']], ['ben.osei@harbour.example', 'evaluation', ['*']], ['underwriting', 'underwriting-desk', ['gpt-5.4']], ['night shift', 'night-batch', ['gpt-4o-mini']]].entries()) state.keys.push(key(index + 1, owner, name, models));
  state.keys[4].state = 'revoked';
  state.keys[4].revoked = { at: new Date().toISOString(), by: 'castellan', reason: 'it was in a repository' };
  const server = createServer((request, response) => void handle(state, request, response));
  const timer = setInterval(() => live(state), 1500);
  server.on('close', () => clearInterval(timer));
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${server.address().port}`, token: TOKEN, state, close: () => { for (const stream of state.streams) stream.end(); server.closeAllConnections(); server.close(); } })));
}

function key(index, owner, name, models) {
  return { id: `key-${index}`, lineage: `line-${index}`, owner, name, labels: {}, scopes: { models }, groups: [], budget: null, issued: new Date(Date.now() - index * 86_400_000).toISOString(), issuedBy: 'ann', notBefore: null, expires: new Date(Date.now() + (90 - index * 10) * 86_400_000).toISOString(), lastUsed: new Date(Date.now() - index * 400_000).toISOString(), replacedBy: null, revoked: null, state: 'active' };
}

function emit(state, kind, data) {
  state.sequence += 1;
  for (const stream of state.streams) stream.write(`id: ${state.sequence}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
}

function live(state) {
  const row = decision(new Date());
  state.tables.CastellanGateDecisions.rows.push(row);
  emit(state, 'decision', { requestId: row.RequestId, time: row.TimeGenerated, action: row.Action, stage: row.Stage, model: row.ModelName, principal: row.PrincipalName, principalObjectId: row.PrincipalObjectId, principalKind: row.PrincipalKind, agent: row.AgentId, tool: row.ToolName, reason: row.Reason, rules: row.Findings.map((one) => one.rule), status: row.StatusCode, durationMs: row.DurationMs });
}

const cookies = (request) => Object.fromEntries((request.headers.cookie ?? '').split(/;\s*/).filter(Boolean).map((part) => part.split('=')));

async function handle(state, request, response) {
  const url = new URL(request.url, 'http://mock');
  try {
    if (!url.pathname.startsWith('/api/')) return await file(url.pathname, response);
    const text = await new Promise((resolve) => { let all = ''; request.on('data', (part) => (all += part)); request.on('end', () => resolve(all)); });
    const body = text ? JSON.parse(text) : {};
    const jar = cookies(request);
    const mode = request.headers['x-mock-mode'] ?? jar.mock_mode ?? '';
    const path = url.pathname.slice('/api/v1'.length);
    const call = `${request.method} ${path}`;
    const isIn = jar.castellan_session === 'mock' || request.headers.authorization === `Bearer ${TOKEN}`;
    const way = { oidc: { enabled: false, label: 'Sign in with Harbour Mutual' }, version: '0.1.0', demo: true };
    if (call === 'POST /session') {
      if (body.token !== TOKEN && body.code !== 'once') throw new Refusal(401, 'this is not the token');
      return send(response, 204, undefined, { 'set-cookie': 'castellan_session=mock; HttpOnly; SameSite=Strict; Path=/' });
    }
    if (!isIn) return send(response, 401, { error: { message: 'nobody is signed in' }, ...(path === '/session' ? way : {}) });
    if (call === 'GET /session') return send(response, 200, { name: 'ann.keller@harbour.example', role: state.role, way: 'token', csrf: CSRF, expires: new Date(Date.now() + 8e7).toISOString(), idleExpires: new Date(Date.now() + 2e7).toISOString(), ...way });
    if (request.method !== 'GET' && !request.headers.authorization && request.headers['x-castellan-csrf'] !== CSRF) throw new Refusal(403, 'the header x-castellan-csrf is missing or not the one of this session');
    if (call === 'DELETE /session') return send(response, 204, undefined, { 'set-cookie': 'castellan_session=; Max-Age=0; Path=/' });
    if (path === '/events') return stream(state, response);
    if (mode === 'slow') return;
    if (mode === 'error') throw new Refusal(500, 'the lake cannot be read: the disk is full (os error 28). Free space in /var/lib/castellan.');
    const answer = await operation(state, request.method, path, url.searchParams, body, mode === 'empty');
    const isWrapped = typeof answer?.status === 'number';
    return send(response, answer === undefined ? 204 : isWrapped ? answer.status : 200, isWrapped ? answer.body : answer);
  } catch (error) {
    if (error instanceof Refusal) return send(response, error.status, { error: { message: error.message, position: error.position } });
    console.error(error);
    return send(response, 500, { error: { message: `the mock failed: ${error.message}` } });
  }
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { ...guards, 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

async function file(path, response) {
  const { files, index } = JSON.parse(await readFile(new URL('manifest.json', dist), 'utf8'));
  const found = files.find((one) => one.path === path) ?? (path === '/' ? files.find((one) => one.file === index) : undefined);
  if (!found) return send(response, 404, { error: { message: 'there is no such page' } });
  response.writeHead(200, { ...guards, 'content-type': found.type, 'content-encoding': 'gzip', 'cache-control': 'no-cache' });
  response.end(gzipSync(await readFile(new URL(found.file, dist))));
}

function stream(state, response) {
  response.writeHead(200, { ...guards, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(`id: ${state.sequence}\nevent: hello\ndata: ${JSON.stringify({ version: '0.1.0', demo: true, time: new Date().toISOString() })}\n\n`);
  state.streams.add(response);
  response.on('close', () => state.streams.delete(response));
}

const place = (text, start, end) => {
  const before = text.slice(0, start).split('\n');
  return { line: before.length, column: before.at(-1).length + 1, start, end };
};

function answer(state, { query, from, to, limit }, isEmpty) {
  const began = performance.now();
  try {
    const found = run(query, state.tables, { from, to });
    const most = limit ?? 10_000;
    const names = Object.keys(found.columns);
    const rows = isEmpty ? [] : found.rows.slice(0, most).map((row) => names.map((name) => row[name] ?? null));
    return { columns: names.map((name) => ({ name, type: found.columns[name] })), rows, truncated: !isEmpty && found.rows.length > most, ...(found.rows.length > most ? { truncatedBy: 'rows' } : {}), tookMs: performance.now() - began, ...(found.chart ? { chart: found.chart } : {}) };
  } catch (error) {
    if (error instanceof Fault) throw new Refusal(400, error.message, place(query, error.start, error.end));
    throw error;
  }
}

const summary = (one) => ({ number: one.number, id: one.id, version: one.version, title: one.title, severity: one.severity, status: one.status, classification: one.classification || null, owner: one.owner, labels: one.labels, alerts: one.alerts.length, tactics: one.tactics, tasks: one.tasks.length, tasksDone: one.tasks.filter((task) => task.isDone).length, comments: one.comments.length, evidence: one.evidence.length, firstActivity: one.firstActivity, lastActivity: one.lastActivity, created: one.created, modified: one.modified, closed: one.closed, mergedInto: one.mergedInto, splitFrom: one.splitFrom, proposals: one.proposals });

function incidents(state, search) {
  const status = search.get('status') ?? 'all';
  const wanted = search.get('text')?.toLowerCase();
  const found = state.incidents.filter((one) => one.mergedInto === null && (status === 'all' || (status === 'open' ? one.status !== 'Closed' : one.status.toLowerCase() === status)) && (!search.get('severity') || one.severity === search.get('severity')) && (!search.get('owner') || (search.get('owner') === '-' ? !one.owner : one.owner === search.get('owner'))) && (!wanted || JSON.stringify(one).toLowerCase().includes(wanted)));
  return { value: found.sort((a, b) => (a.modified < b.modified ? 1 : -1)).map(summary), total: found.length };
}

function order(state, one, { order: given, seen }) {
  if (seen !== undefined && seen !== null && seen !== one.version) throw new Refusal(409, `somebody changed incident ${one.number} meanwhile: look at it again`);
  const by = 'ann.keller@harbour.example';
  const at = new Date().toISOString();
  const acts = {
    assign: () => (one.owner = given.owner.assignedTo ?? ''), comment: () => one.comments.push({ id: `c-${Date.now()}`, text: given.text, at, by }), tag: () => one.labels.push(...given.names), addTask: () => one.tasks.push({ id: `t-${Date.now()}`, title: given.title, description: '', isDone: false, created: at, by, doneBy: null, done: null }),
    finishTask: () => Object.assign(one.tasks[given.task - 1], { isDone: true, doneBy: by, done: at }), update: () => (one.severity = given.severity ?? one.severity), classify: () => (one.classification = given.verdict.classification),
    setStatus: () => { if (given.status === 'Closed' && !given.verdict) throw new Refusal(409, 'closing needs a verdict'); one.status = given.status; one.closed = given.status === 'Closed' ? at : null; if (given.verdict) Object.assign(one, { classification: given.verdict.classification, classificationReason: given.verdict.reason ?? '', classificationComment: given.verdict.comment ?? '' }); },
    merge: () => given.from.forEach((number) => { const other = find(state, number); other.mergedInto = one.number; other.status = 'Closed'; one.alerts.push(...other.alerts); }),
  };
  if (!acts[given.order]) throw new Refusal(400, `no order is called \`${given.order}\``);
  acts[given.order]();
  one.version += 1;
  one.modified = at;
  one.trail.push({ at, by, what: given.order, told: JSON.stringify(given) });
  emit(state, 'incident', { number: one.number, title: one.title, severity: one.severity, status: one.status, owner: one.owner, modified: at });
  return summary(one);
}

function find(state, id) {
  const one = state.incidents.find((candidate) => String(candidate.number) === String(id) || candidate.id === id);
  if (!one) throw new Refusal(404, `there is no incident ${id}`);
  return one;
}

function timeline(one) {
  return { value: [
    ...one.alerts.map((alert) => ({ at: alert.start, until: alert.end, kind: 'alert', title: alert.name, told: alert.details.Prompt?.[0] ?? '', severity: alert.severity, id: alert.id })), ...one.evidence.map((found) => ({ at: found.at, until: null, kind: 'evidence', title: `${found.kind} was kept`, told: found.redacted, id: found.id })), ...one.trail.map((step) => ({ at: step.at, until: null, kind: 'step', title: step.what, told: step.told, by: step.by })),
  ].sort((a, b) => (a.at < b.at ? -1 : 1)) };
}

function graph(one) {
  const entities = one.entities.map((entity) => ({ id: `${entity.kind}:${entity.label}`, kind: entity.kind, label: entity.label, count: entity.alerts.length }));
  return { nodes: [...one.alerts.map((alert) => ({ id: alert.id, kind: 'alert', label: alert.name, count: alert.count })), ...entities], edges: one.alerts.flatMap((alert) => alert.entities.map((entity) => ({ from: alert.id, to: `${entity.kind}:${entity.label}`, count: alert.count }))) };
}

function recommendation(state, id) {
  const row = state.tables.CastellanRecommendations.rows.find((one) => one.Id === id);
  if (!row) throw new Refusal(404, 'there is no such recommendation; was the estate scanned again?');
  const detail = state.harbour.details[id];
  const exempt = state.exempt.get(id);
  return { id, checkId: row.CheckId, title: row.Title, description: row.Description, severity: row.Severity, state: exempt ? 'Exempt' : row.State, resourceId: row.ResourceId, resourceName: row.ResourceName, resourceType: row.ResourceType, workload: row.Workload, reason: row.Reason, evidence: detail.evidence, location: detail.location, remediation: row.Remediation, frameworks: row.Frameworks, riskGain: row.RiskGain, scoreGain: row.ScoreGain, fixable: row.Fixable, exemption: exempt ?? detail.exemption, fixes: detail.fixes };
}

function rules(state) {
  return [...state.saved, ...state.harbour.rules.map((rule, index) => ({
    ...rule, kind: 'Scheduled', enabled: true, frequency: rule.frequency.toUpperCase().startsWith('P') ? rule.frequency : `PT${rule.frequency.toUpperCase()}`, trigger: { operator: 'GreaterThan', threshold: 0 }, mode: index % 5 === 0 ? 'scheduled' : index % 5 === 1 ? 'window' : 'row', modeReason: index % 5 === 0 ? 'it joins two tables over a day' : '', source: 'built in', isOurs: false, lastRun: new Date(Date.now() - (index % 20) * 60_000).toISOString(), lastStatus: index === 11 ? 'Failure' : 'Success', lagSeconds: index % 5 === 0 ? 60 * (index % 9) : 0.4,
    alerts: state.tables.SecurityAlert.rows.filter((row) => row.AlertName === rule.name).length, errors: index === 11 ? ['The query took longer than 60 s and was stopped. Narrow it, or run it less often.'] : [],
    triage: ['Read the first prompts of the session, redacted, under Evidence.', 'Look at what the same principal did within the hour before and after.', 'Ask whoever owns the application whether it is a test.'], playbook: index % 3 ? 'jailbreak-campaign' : 'tell-people',
  }))];
}

function gate(state, isEmpty) {
  if (isEmpty) return { open: false, listen: null, tls: false, anonymous: false, keys: false, orders: false, record: 'none', activeProfiles: [], profiles: [], models: [], limits: [], policies: [] };
  const member = (name, host, circuit = 'closed', priority = 0) => ({ name, host, model: null, form: 'azure', weight: 1, priority, state: circuit });
  return {
    open: true, listen: '127.0.0.1:8800', tls: false, anonymous: false, keys: true, orders: true, record: 'redacted', activeProfiles: ['default'], profiles: state.harbour.profiles.map((one, index) => ({ ...one, active: index === 0 })),
    models: [{ alias: 'gpt-5.4', provider: 'azure', members: [member('one', 'harbour-underwriting.openai.azure.com'), member('two', 'harbour-spare.openai.azure.com', 'half-open', 1)] }, { alias: 'gpt-4o', provider: 'azure', members: [member('assistant', 'harbour-assistant.openai.azure.com')] }, { alias: 'gpt-35-turbo', provider: 'azure', members: [member('pilot', 'harbour-pilot-openai.openai.azure.com', 'open')] }, { alias: '*', provider: 'stub', members: [member('stub', '127.0.0.1:8901')] }],
    limits: [{ name: 'tokens of a person', per: ['principal'], only: {}, unit: 'tokens', window: 'hour', limit: 200_000, kind: 'quota' }, { name: 'requests of a key', per: ['key'], only: { model: ['gpt-5.4'] }, unit: 'requests', window: 'minute', limit: 60, burst: 20, kind: 'rate' }, { name: 'cost of everything', per: [], only: {}, unit: 'cost', window: 'month', limit: 4000, kind: 'quota' }],
    policies: [{ id: 'claims-may-use-gpt', effect: 'permit', text: 'permit (\n  principal in Group::"claims",\n  action == Action::"use",\n  resource in ModelGroup::"gpt"\n);' }, { id: 'nobody-uses-the-pilot', effect: 'forbid', text: 'forbid (principal, action, resource == Model::"gpt-35-turbo");' }],
  };
}

function tried({ text, point }) {
  const all = [];
  const found = (pattern, rule, kind, action, probability) => { for (const hit of text.matchAll(pattern)) all.push({ rule, check: rule.includes('attack') ? 'attack' : 'sensitive', kind, action, probability, count: 1, failed: false, ranges: [{ start: hit.index, end: hit.index + hit[0].length }] }); };
  if (point !== 'system') found(/ignore all[^.]*\.?|SYSTEM:[^.]*\.?/gi, 'default/attack', point === 'user' ? 'jailbreak' : 'indirect injection', 'block', 0.98);
  found(/\b4\d{3}(?: ?\d{4}){3}\b/g, 'default/cards', 'payment-card', 'redact', 0.99);
  const action = all.some((one) => one.action === 'block') ? 'block' : all.length ? 'redact' : 'allow';
  return { action, findings: all, ...(action === 'redact' ? { changed: text.replace(/\b4\d{3}(?: ?\d{4}){3}\b/g, '<PAYMENT_CARD_1>') } : {}), unscanned: [], profiles: ['default'], tookMs: 2.4 };
}

const WORDS = ['where', 'extend', 'project', 'project-away', 'summarize', 'sort by', 'top', 'take', 'count', 'distinct', 'render', 'join', 'mv-expand', 'union'];
function complete(state, { text, offset }) {
  const before = text.slice(0, offset);
  const word = before.match(/[\w-]*$/)[0];
  const from = offset - word.length;
  const kind = before.slice(0, from).trimEnd();
  const tables = Object.keys(state.tables);
  const current = tables.find((name) => text.includes(name));
  const items = !kind ? tables.map((name) => ({ label: name, kind: 'table', detail: 'table', insert: name })) : kind.endsWith('|') ? WORDS.map((name) => ({ label: name, kind: 'operator', detail: '', insert: `${name} ` })) : Object.entries(state.tables[current]?.columns ?? {}).map(([name, type]) => ({ label: name, kind: 'column', detail: type, insert: name })).concat([{ label: 'count()', kind: 'aggregate', detail: 'how many rows', insert: 'count()' }, { label: 'bin', kind: 'function', detail: '(value, roundTo)', insert: 'bin(' }]);
  return { from, to: offset, items: items.filter((item) => item.label.toLowerCase().startsWith(word.toLowerCase())).slice(0, 50) };
}

function check(state, text) {
  if (!text.trim()) return { diagnostics: [] };
  try {
    tokens(text);
    run(text, Object.fromEntries(Object.entries(state.tables).map(([name, found]) => [name, table(found.rows.slice(0, 1), found.columns)])));
    return { diagnostics: [] };
  } catch (error) {
    if (!(error instanceof Fault)) return { diagnostics: [] };
    return { diagnostics: [{ severity: 'error', message: error.message, start: error.start, end: error.end }] };
  }
}

const needs = (state, role) => {
  const ranks = ['reader', 'responder', 'administrator'];
  if (ranks.indexOf(state.role) < ranks.indexOf(role)) throw new Refusal(403, `this needs the role ${role}`);
};

async function operation(state, method, path, search, body, isEmpty) {
  const [, group, id, part, more] = path.split('/').map(decodeURIComponent);
  const call = `${method} ${path}`;
  if (method === 'POST' && /^\/(incidents|recommendations|gate\/orders)/.test(path)) needs(state, 'responder');
  if (/^\/(gate\/keys|settings|estate\/scan)/.test(path) || call === 'POST /rules') needs(state, 'administrator');
  switch (call) {
    case 'POST /query': return answer(state, body, isEmpty);
    case 'POST /queries': return { results: Object.fromEntries(body.queries.map((one) => { try { return [one.id, answer(state, one, isEmpty)]; } catch (error) { return [one.id, { error: { message: error.message } }]; } })) };
    case 'POST /query/complete': return complete(state, body);
    case 'POST /query/check': return check(state, body.text);
    case 'GET /schema': return { tables: isEmpty ? [] : Object.entries(state.tables).map(([name, { columns }]) => ({ name, group: ['Resources', 'CastellanScores', 'CastellanRecommendations', 'CastellanInventory', 'CastellanRelations', 'CastellanCoverage'].includes(name) ? 'estate' : name.startsWith('Castellan') ? 'castellan' : 'lake', columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })) })) };
    case 'GET /incidents': return isEmpty ? { value: [], total: 0 } : incidents(state, search);
    case 'GET /estate': return estate();
    case 'GET /estate/bom': return { bomFormat: 'CycloneDX', specVersion: '1.7' };
    case 'POST /estate/scan': setTimeout(() => emit(state, 'posture', { scanned: new Date().toISOString(), problem: null }), 500); return { status: 202, body: estate() };
    case 'GET /gate': return gate(state, isEmpty);
    case 'GET /gate/keys': return { keys: isEmpty ? [] : state.keys };
    case 'POST /gate/keys': { const made = { ...key(state.keys.length + 1, body.owner, body.name ?? '', body.scopes?.models ?? ['*']), lastUsed: null, expires: body.expires }; state.keys.unshift(made); return { status: 201, body: { key: `cst_${made.id}_7Vn2kq0ZpX3mF8sLwYtR5`, record: made } }; }
    case 'POST /gate/try': return tried(body);
    case 'GET /gate/orders': return { orders: isEmpty ? [] : state.orders, generation: state.orders.length };
    case 'POST /gate/orders': { const given = { id: `order-${Date.now()}`, measure: body.measure, kind: body.kind, subject: body.subject, reason: body.reason, given: new Date().toISOString(), expires: body.until ?? null, ...(body.perMinute != null ? { perMinute: body.perMinute } : {}) }; state.orders.unshift(given); return { status: 201, body: given }; }
    case 'GET /rules': return { rules: isEmpty ? [] : rules(state), folder: '/var/lib/castellan/rules' };
    case 'POST /rules/check': { const { diagnostics } = check(state, body.query); return { ok: !diagnostics.length, diagnostics, yaml: `name: ${JSON.stringify(body.name)}\nkind: Scheduled\nseverity: ${body.severity}\nqueryFrequency: ${body.frequency ?? 'PT5M'}\nquery: |\n${body.query.split('\n').map((line) => `  ${line}`).join('\n')}\n`, mode: /summarize/.test(body.query) ? 'window' : 'row' }; }
    case 'POST /rules': { const made = { id: `rule-${state.saved.length + 1}`, name: body.name, description: body.description ?? '', kind: 'Scheduled', severity: body.severity, enabled: true, tactics: body.tactics ?? [], techniques: [], query: body.query, frequency: body.frequency ?? 'PT5M', period: body.period ?? 'PT5M', trigger: body.trigger ?? { operator: 'GreaterThan', threshold: 0 }, mode: 'row', modeReason: '', source: 'rules/own.yaml', isOurs: true, lastRun: null, lastStatus: '', lagSeconds: null, alerts: 0, errors: [], triage: [], playbook: '' }; state.saved.unshift(made); return { status: 201, body: { id: made.id, file: 'rules/own.yaml', runs: true, rule: made } }; }
    case 'GET /settings': return settings(state, isEmpty);
  }
  if (group === 'incidents' && id) {
    const one = find(state, id);
    if (method === 'POST' && part === 'orders') return order(state, one, body);
    if (method === 'GET') return { undefined: one, timeline: timeline(one), graph: graph(one), audit: { value: one.trail }, evidence: { value: one.evidence } }[part];
  }
  if (group === 'recommendations' && id) {
    const row = state.tables.CastellanRecommendations.rows.find((one) => one.Id === id);
    if (method === 'POST' && part === 'exempt') { state.exempt.set(id, { category: body.category, reason: body.reason, approver: 'ann.keller@harbour.example', expires: body.until ?? null, isOurs: true }); row.State = 'Exempt'; }
    if (method === 'DELETE' && part === 'exempt') { state.exempt.delete(id); row.State = 'Unhealthy'; }
    return recommendation(state, id);
  }
  if (group === 'gate' && id === 'keys' && more) {
    const one = state.keys.find((candidate) => candidate.id === part);
    if (more === 'revoke') return Object.assign(one, { state: 'revoked', revoked: { at: new Date().toISOString(), by: 'ann', reason: body.reason } });
    if (more === 'rotate') { const made = key(state.keys.length + 1, one.owner, one.name, one.scopes.models); state.keys.unshift(made); one.replacedBy = made.id; return { status: 201, body: { key: `cst_${made.id}_9Qm4rT2vXb7nLk1sHd6w`, record: made } }; }
  }
  if (group === 'gate' && id === 'orders' && method === 'DELETE') { state.orders = state.orders.filter((one) => one.id !== part); return undefined; }
  if (group === 'rules' && method === 'DELETE') { state.saved = state.saved.filter((one) => one.id !== id); return undefined; }
  throw new Refusal(404, `the mock does not know ${call}`);
}

const estate = () => ({ available: true, paths: ['examples/harbour-mutual'], isScanning: false, scanned: new Date(Date.now() - 3_600_000).toISOString(), tookMs: 820, resources: 35, problem: null });

function settings(state, isEmpty) {
  return {
    version: '0.1.0', demo: true, started: new Date(Date.now() - 7_000_000).toISOString(), listen: '127.0.0.1:8700', tls: false, folder: '/var/lib/castellan', lake: { folder: '/var/lib/castellan/lake', tables: 14, rows: 181_220, bytes: 48_400_000, freeBytes: 68_000_000_000 }, gate: { open: !isEmpty, listen: isEmpty ? null : '127.0.0.1:8800', file: isEmpty ? null : '/var/lib/castellan/castellan.toml' },
    estate: isEmpty ? { available: false, paths: [], isScanning: false } : estate(), analytics: { rules: state.harbour.rules.length, folder: '/var/lib/castellan/rules' },
    access: { token: true, oidc: { enabled: true, label: 'Sign in with Harbour Mutual', issuer: 'https://login.microsoftonline.com/harbour/v2.0', clientId: '5a0c…', roleClaim: 'roles' }, sessions: isEmpty ? [] : [{ name: 'ann.keller@harbour.example', role: 'administrator', way: 'token', since: new Date(Date.now() - 900_000).toISOString(), lastUsed: new Date().toISOString() }, { name: 'ben.osei@harbour.example', role: 'responder', way: 'oidc', since: new Date(Date.now() - 9_000_000).toISOString(), lastUsed: new Date(Date.now() - 400_000).toISOString() }],
      roles: [{ role: 'reader', operations: ['runQuery', 'listIncidents', 'getGate', 'tryGate'] }, { role: 'responder', operations: ['runQuery', 'listIncidents', 'getGate', 'tryGate', 'orderIncident', 'giveOrder', 'exemptRecommendation'] }, { role: 'administrator', operations: ['runQuery', 'listIncidents', 'getGate', 'tryGate', 'orderIncident', 'giveOrder', 'exemptRecommendation', 'issueKey', 'saveRule', 'scanEstate', 'getSettings'] }] },
    waysIn: isEmpty ? [] : [{ kind: 'logs-ingestion', at: 'https://127.0.0.1:8700/dataCollectionRules/…' }, { kind: 'otlp-http', at: 'http://127.0.0.1:8700/v1/traces' }, { kind: 'syslog-tls', at: '127.0.0.1:6514' }, { kind: 'gate', at: 'http://127.0.0.1:8800' }], problems: isEmpty ? [] : ['The source AzureActivity has been silent for 2.5 hours; it usually pauses for 4 minutes.'],
  };
}

if (process.argv[1] && import.meta.url.endsWith(process.argv[1].split('/').pop()) && process.argv[1].endsWith('mock.mjs')) {
  const { url } = await start({ port: Number(option('--port', 8799)), role: option('--role', 'administrator') });
  console.log(`${url}/#code=once\ntoken: ${TOKEN}`);
}
