// Every query that a page asks is one that the server's own parser finds no fault with, and that it can run.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { ask, isReal, openServer } from './harness.mjs';

let server, all;
before(async () => {
  server = await openServer();
  const { outputFiles } = await build({ entryPoints: [new URL('../src/core/queries.ts', import.meta.url).pathname], bundle: true, format: 'esm', write: false });
  const { queries, coverageOf, coverageIn, starters } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  const odd = 'a "quoted" \\ name\n| take 1';
  all = Object.entries(queries).map(([name, query]) => [name, typeof query === 'string' ? query : name === 'incident' ? query(12) : name === 'incidentAlerts' ? query(['a', odd]) : /^(decisions|tokens|alerts|latency)$/.test(name) ? query('1h') : query(odd)]);
  all.push(['coverageOf', coverageOf(odd, 'data', 'Gap')], ['coverageIn', coverageIn('Gap')], ...starters.map(([title, , query]) => [title, query]));
});
after(() => server?.close());

test('no query of a page has a fault', async () => {
  const faults = [];
  for (const [name, query] of all) {
    const { diagnostics } = await ask(server, 'POST', '/query/check', { text: query });
    faults.push(...diagnostics.filter((one) => one.severity === 'error').map((one) => `${name}: ${one.message}`));
  }
  assert.deepEqual(faults, []);
});

test('every query of a page runs', async () => {
  const to = new Date().toISOString();
  const from = new Date(Date.now() - 86_400_000).toISOString();
  for (let at = 0; at < all.length; at += 16) {
    const { results } = await ask(server, 'POST', '/queries', { queries: all.slice(at, at + 16).map(([id, query]) => ({ id, query, from, to, limit: 10 })) });
    for (const [name, result] of Object.entries(results)) assert.ok(!result.error, `${name}: ${result.error?.message}`);
  }
});

test('the queries of coverage rows have no fault', { skip: !isReal && 'they are the product\'s' }, async () => {
  const { rows } = await ask(server, 'POST', '/query', { query: 'CastellanCoverage | distinct Query', limit: 500 });
  for (const [query] of rows.filter(([one]) => one)) {
    const { diagnostics } = await ask(server, 'POST', '/query/check', { text: query });
    assert.deepEqual(diagnostics.filter((one) => one.severity === 'error'), [], query);
  }
});
