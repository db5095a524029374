// As much of KQL as the mock needs: tabular operators over rows in memory. It is an aid for developing pages and answers for no engine:
// what it does not know is an error with a place, as the server's would be.

const KEYWORDS = new Set(['and', 'or', 'not', 'in', 'has', 'contains', 'startswith', 'endswith', 'between', 'by', 'asc', 'desc', 'has_any', 'true', 'false', 'null']);

export class Fault extends Error {
  constructor(message, start, end) {
    super(message);
    this.start = start;
    this.end = end;
  }
}

export function tokens(text) {
  const all = [];
  const pattern = /\s+|\/\/[^\n]*|@?"(?:\\.|[^"\\])*"|@?'(?:\\.|[^'\\])*'|\d+(?:\.\d+)?(?:d|h|m|s|ms)?\b|[A-Za-z_$][\w$]*(?:-[a-z]+)*|==|!=|=~|!~|<=|>=|\.\.|[|(),=<>+\-*/.[\]:;{}]/gy;
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) throw new Fault(`\`${text[at]}\` is not expected here`, at, at + 1);
    const [raw] = found;
    if (!/^\s|^\/\//.test(raw)) all.push({ raw, start: at, end: at + raw.length, kind: /^["'@]/.test(raw) ? 'string' : /^\d/.test(raw) ? 'number' : /^[A-Za-z_$]/.test(raw) ? 'name' : 'sign' });
    at += raw.length;
  }
  all.push({ raw: '', start: text.length, end: text.length, kind: 'end' });
  return all;
}

const spans = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const unquote = (raw) => raw.replace(/^@/, '').slice(1, -1).replace(/\\([nrt"'\\])/g, (_, c) => ({ n: '\n', r: '\r', t: '\t' })[c] ?? c);
const str = (value) => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));
const isTime = (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);
const num = (value) => (isTime(value) ? Date.parse(value) : Number(value));

class Parser {
  constructor(text, tables) {
    this.all = tokens(text);
    this.at = 0;
    this.tables = tables;
  }
  get now() {
    return this.all[this.at];
  }
  is(raw) {
    return this.now.raw === raw && this.now.kind !== 'string';
  }
  eat(raw) {
    if (!this.is(raw)) return false;
    this.at += 1;
    return true;
  }
  need(raw) {
    if (!this.eat(raw)) throw new Fault(`\`${raw}\` is expected here, and there is \`${this.now.raw || 'the end'}\``, this.now.start, Math.max(this.now.end, this.now.start + 1));
  }
  name() {
    const { now } = this;
    if (now.kind !== 'name') throw new Fault(`a name is expected here, and there is \`${now.raw || 'the end'}\``, now.start, Math.max(now.end, now.start + 1));
    this.at += 1;
    return now.raw;
  }

  /** An expression as a function of a row. */
  expr() {
    let left = this.both();
    while (this.eat('or')) left = ((a, b) => (row) => a(row) || b(row))(left, this.both());
    return left;
  }
  both() {
    let left = this.compare();
    while (this.eat('and')) left = ((a, b) => (row) => a(row) && b(row))(left, this.compare());
    return left;
  }
  compare() {
    const a = this.sum();
    const { raw } = this.now;
    const same = (x, y) => (typeof x === 'boolean' || typeof y === 'boolean' ? x === y : isTime(x) || isTime(y) ? num(x) === num(y) : str(x) === str(y));
    const low = (value) => str(value).toLowerCase();
    const acts = {
      '==': same, '!=': (x, y) => !same(x, y), '=~': (x, y) => low(x) === low(y), '!~': (x, y) => low(x) !== low(y), '<': (x, y) => num(x) < num(y), '>': (x, y) => num(x) > num(y), '<=': (x, y) => num(x) <= num(y), '>=': (x, y) => num(x) >= num(y),
      has: (x, y) => low(x).split(/[^\p{L}\p{N}]+/u).includes(low(y)) || low(x).includes(low(y)), contains: (x, y) => low(x).includes(low(y)), startswith: (x, y) => low(x).startsWith(low(y)), endswith: (x, y) => low(x).endsWith(low(y)),
    };
    if (acts[raw]) {
      this.at += 1;
      const b = this.sum();
      return (row) => acts[raw](a(row), b(row));
    }
    if (this.eat('in') || this.eat('has_any')) {
      this.need('(');
      const list = this.arguments();
      return (row) => list.some((one) => (raw === 'in' ? same(a(row), one(row)) : low(a(row)).includes(low(one(row)))));
    }
    if (this.eat('between')) {
      this.need('(');
      const from = this.sum();
      this.need('..');
      const to = this.sum();
      this.need(')');
      return (row) => num(a(row)) >= num(from(row)) && num(a(row)) <= num(to(row));
    }
    return a;
  }
  sum() {
    let left = this.product();
    while (this.is('+') || this.is('-')) {
      const isPlus = this.now.raw === '+';
      this.at += 1;
      left = ((a, b) => (row) => (isPlus ? num(a(row)) + num(b(row)) : num(a(row)) - num(b(row))))(left, this.product());
    }
    return left;
  }
  product() {
    let left = this.one();
    while (this.is('*') || this.is('/')) {
      const isTimes = this.now.raw === '*';
      this.at += 1;
      left = ((a, b) => (row) => (isTimes ? num(a(row)) * num(b(row)) : num(a(row)) / num(b(row))))(left, this.one());
    }
    return left;
  }
  arguments() {
    const all = [];
    while (!this.eat(')')) {
      all.push(this.expr());
      if (!this.is(')')) this.need(',');
    }
    return all;
  }
  one() {
    const token = this.now;
    if (this.eat('(')) {
      const inner = this.expr();
      this.need(')');
      return inner;
    }
    if (this.eat('not')) {
      this.need('(');
      const inner = this.expr();
      this.need(')');
      return (row) => !inner(row);
    }
    if (token.kind === 'string') {
      this.at += 1;
      const value = unquote(token.raw);
      return () => value;
    }
    if (token.kind === 'number') {
      this.at += 1;
      const [, digits, unit] = token.raw.match(/^([\d.]+)([a-z]*)$/);
      const value = Number(digits) * (unit ? spans[unit] : 1);
      return () => value;
    }
    if (this.eat('true')) return () => true;
    if (this.eat('false')) return () => false;
    const name = this.name();
    if (this.eat('(')) return this.call(name, token);
    let path = [name];
    while (this.eat('.')) path.push(this.name());
    if (!(name in this.columns)) throw new Fault(`no column is called \`${name}\``, token.start, token.end);
    return (row) => path.slice(1).reduce((value, part) => value?.[part], row[name]);
  }
  call(name, token) {
    const list = this.arguments();
    const [a, b] = list;
    const calls = {
      ago: (row) => new Date(Date.now() - num(a(row))).toISOString(), now: () => new Date().toISOString(), bin: (row) => bin(a(row), num(b(row))), tostring: (row) => str(a(row)), isempty: (row) => str(a(row)) === '', isnotempty: (row) => str(a(row)) !== '',
      tolower: (row) => str(a(row)).toLowerCase(), strlen: (row) => str(a(row)).length, iff: (row) => (a(row) ? b(row) : list[2](row)), round: (row) => Math.round(num(a(row)) * 10 ** (b ? b(row) : 0)) / 10 ** (b ? b(row) : 0), array_length: (row) => a(row)?.length ?? null, toint: (row) => Math.trunc(num(a(row))), todouble: (row) => num(a(row)), datetime: (row) => a(row), strcat: (row) => list.map((one) => str(one(row))).join(''),
    };
    if (!calls[name]) throw new Fault(`no function is called \`${name}\`, as far as this mock goes`, token.start, token.end);
    return calls[name];
  }

  run(rangeOf) {
    const token = this.now;
    const table = this.name();
    if (table === 'print') return this.print();
    if (!this.tables[table]) throw new Fault(`no table is called \`${table}\``, token.start, token.end);
    let rows = rangeOf(table, this.tables[table].rows);
    this.columns = { ...this.tables[table].columns };
    this.chart = undefined;
    while (this.eat('|')) rows = this.operator(rows);
    if (this.now.kind !== 'end' && !this.eat(';')) throw new Fault(`\`${this.now.raw}\` is not expected here`, this.now.start, this.now.end);
    return { columns: this.columns, rows, chart: this.chart };
  }
  print() {
    this.columns = {};
    const named = this.named();
    const row = {};
    named.forEach(({ name, value }, index) => (row[name ?? `print_${index}`] = value({})));
    this.retype([row]);
    return { columns: this.columns, rows: [row] };
  }

  operator(rows) {
    const token = this.now;
    const name = this.name();
    const known = this[`op_${name.replaceAll('-', '_')}`];
    if (!known) throw new Fault(`no operator is called \`${name}\`, as far as this mock goes`, token.start, token.end);
    return known.call(this, rows);
  }
  op_where(rows) {
    const test = this.expr();
    return rows.filter(test);
  }
  op_take(rows) {
    const count = this.one()({});
    return rows.slice(0, count);
  }
  op_limit(rows) {
    return this.op_take(rows);
  }
  op_count(rows) {
    this.columns = { Count: 'long' };
    return [{ Count: rows.length }];
  }
  op_sort(rows) {
    this.need('by');
    return this.sorted(rows);
  }
  op_order(rows) {
    return this.op_sort(rows);
  }
  op_top(rows) {
    const count = this.one()({});
    this.need('by');
    return this.sorted(rows).slice(0, count);
  }
  sorted(rows) {
    const keys = [];
    do {
      const by = this.expr();
      const isUp = this.eat('asc');
      if (!isUp) this.eat('desc');
      keys.push([by, isUp ? 1 : -1]);
    } while (this.eat(','));
    const order = (x, y) => (typeof x === 'number' && typeof y === 'number' ? x - y : str(x) < str(y) ? -1 : str(x) > str(y) ? 1 : 0);
    return [...rows].sort((x, y) => keys.reduce((found, [by, way]) => found || way * order(by(x), by(y)), 0));
  }
  named() {
    const all = [];
    do {
      const next = this.all[this.at + 1];
      const isNamed = this.now.kind === 'name' && next?.raw === '=';
      const start = this.now;
      let name;
      if (isNamed) {
        name = this.name();
        this.need('=');
      }
      const isColumn = this.now.kind === 'name' && [',', '|', ')', '', 'by'].includes(this.all[this.at + 1]?.raw);
      const column = this.now.raw;
      const aggregate = this.aggregate(start);
      if (aggregate) all.push({ name: name ?? aggregate.name, aggregate: aggregate.act, type: aggregate.type });
      else {
        const first = this.all[this.at + 2]?.raw;
        const isCall = this.all[this.at + 1]?.raw === '(' && !isColumn;
        const value = this.expr();
        all.push({ name: name ?? (isColumn ? column : isCall && KEYWORDS.has(first) === false ? first : undefined), value, type: isColumn ? this.columns[column] : undefined });
      }
    } while (this.eat(','));
    return all;
  }
  op_extend(rows) {
    const named = this.named();
    const found = rows.map((row) => Object.fromEntries([...Object.entries(row), ...named.map(({ name, value }, index) => [name ?? `Column${index + 1}`, value(row)])]));
    named.forEach(({ name, type }, index) => (this.columns[name ?? `Column${index + 1}`] = type ?? kindOf(found[0]?.[name])));
    return found;
  }
  op_project(rows) {
    const named = this.named();
    const found = rows.map((row) => Object.fromEntries(named.map(({ name, value }, index) => [name ?? `Column${index + 1}`, value(row)])));
    this.columns = Object.fromEntries(named.map(({ name, type }, index) => [name ?? `Column${index + 1}`, type ?? kindOf(found[0]?.[name])]));
    return found;
  }
  op_project_away(rows) {
    const gone = [this.name()];
    while (this.eat(',')) gone.push(this.name());
    for (const name of gone) delete this.columns[name];
    return rows;
  }
  op_distinct(rows) {
    const names = [this.name()];
    while (this.eat(',')) names.push(this.name());
    const seen = new Map();
    for (const row of rows) seen.set(names.map((name) => str(row[name])).join('\0'), Object.fromEntries(names.map((name) => [name, row[name]])));
    this.columns = Object.fromEntries(names.map((name) => [name, this.columns[name]]));
    return [...seen.values()];
  }
  aggregate(start) {
    const known = { count: 'long', countif: 'long', sum: 'real', avg: 'real', min: '', max: '', dcount: 'long', make_set: 'dynamic', percentile: 'real', arg_max: 'row', any: '', take_any: '' };
    const name = this.now.raw;
    if (this.now.kind !== 'name' || !(name in known) || this.all[this.at + 1]?.raw !== '(') return undefined;
    this.at += 2;
    if (name === 'arg_max') {
      const by = this.expr();
      this.need(',');
      this.need('*');
      this.need(')');
      return { name: '', type: 'row', act: (rows) => rows.reduce((best, row) => (best === undefined || str(by(row)) > str(by(best)) ? row : best), undefined) };
    }
    const column = this.now.kind === 'name' ? this.now.raw : '';
    const [value, more] = this.arguments();
    const numbers = (rows) => rows.map((row) => num(value(row))).filter((one) => !Number.isNaN(one));
    const acts = {
      count: (rows) => rows.length, countif: (rows) => rows.filter(value).length, sum: (rows) => numbers(rows).reduce((a, b) => a + b, 0), avg: (rows) => numbers(rows).reduce((a, b) => a + b, 0) / Math.max(1, rows.length), dcount: (rows) => new Set(rows.map((row) => str(value(row)))).size, make_set: (rows) => [...new Set(rows.map((row) => str(value(row))))].slice(0, 100),
      min: (rows) => rows.map(value).reduce((a, b) => (str(b) < str(a) ? b : a)), max: (rows) => rows.map(value).reduce((a, b) => (str(b) > str(a) ? b : a)), any: (rows) => value(rows[0]), take_any: (rows) => value(rows[0]),
      percentile: (rows) => numbers(rows).sort((a, b) => a - b)[Math.min(rows.length - 1, Math.floor((rows.length * more({})) / 100))] ?? null,
    };
    void start;
    return { name: `${name}_${column}`, type: known[name] || this.columns[column] || 'dynamic', act: acts[name] };
  }
  op_summarize(rows) {
    const wanted = this.is('by') ? [] : this.named();
    const by = this.eat('by') ? this.named() : [];
    const groups = new Map();
    for (const row of rows) {
      const keys = by.map(({ value }) => value(row));
      const key = keys.map(str).join('\0');
      if (!groups.has(key)) groups.set(key, { keys, rows: [] });
      groups.get(key).rows.push(row);
    }
    const before = this.columns;
    const isRow = wanted.some(({ type }) => type === 'row');
    if (isRow) {
      this.columns = { ...before };
      return [...groups.values()].map((group) => wanted[0].aggregate(group.rows));
    }
    this.columns = Object.fromEntries([...by.map(({ name, type }, index) => [name ?? `Column${index + 1}`, type ?? before[name] ?? 'datetime']), ...wanted.map(({ name, type }) => [name, type])]);
    return [...groups.values()].map((group) => Object.fromEntries([...by.map(({ name }, index) => [name ?? `Column${index + 1}`, group.keys[index]]), ...wanted.map(({ name, aggregate }) => [name, aggregate(group.rows)])]));
  }
  op_render(rows) {
    const kind = this.name();
    const names = Object.entries(this.columns);
    const y = names.filter(([, type]) => ['long', 'int', 'real'].includes(type)).map(([name]) => name);
    const x = (names.find(([, type]) => type === 'datetime') ?? names.find(([name]) => !y.includes(name)))?.[0];
    this.chart = { kind, x, y, series: names.map(([name]) => name).filter((name) => name !== x && !y.includes(name)) };
    return rows;
  }
  retype(rows) {
    for (const name of Object.keys(rows[0] ?? {})) this.columns[name] = kindOf(rows[0][name]);
  }
}

const bin = (value, step) => (isTime(value) ? new Date(Math.floor(Date.parse(value) / step) * step).toISOString() : Math.floor(num(value) / step) * step);
const kindOf = (value) => (typeof value === 'number' ? 'real' : typeof value === 'boolean' ? 'bool' : isTime(value) ? 'datetime' : value !== null && typeof value === 'object' ? 'dynamic' : 'string');

/** Runs a query over `tables`: `{ name: { columns: { name: type }, rows } }`. */
export function run(text, tables, { from, to } = {}) {
  const within = (name, rows) => (tables[name].columns.TimeGenerated && (from || to) ? rows.filter((row) => (!from || row.TimeGenerated >= from) && (!to || row.TimeGenerated < to)) : rows);
  return new Parser(text, tables).run(within);
}
