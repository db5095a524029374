// Every page, in light and dark, on a laptop and a phone, full, empty, loading and broken: no complaint of the browser, no violation of
// WCAG 2.2 AA that axe can see, no sideways scrolling.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, go, isReal, openBrowser, openPage, openServer, settle, violations } from './harness.mjs';

let server, browser, views;
const main = ['/overview', '/incidents', '/hunting', '/recommendations', '/inventory', '/gate', '/content', '/settings'];

before(async () => {
  server = await openServer();
  browser = await openBrowser();
  const first = async (query) => (await ask(server, 'POST', '/query', { query })).rows[0]?.[0];
  const recommendation = await first('CastellanRecommendations | where Fixable == true | top 1 by RiskGain desc | project Id');
  const thing = await first('CastellanInventory | top 1 by Violations desc | project Id');
  const workload = await first('CastellanCoverage | where State != "Covered" | take 1 | project WorkloadId');
  const rule = (await ask(server, 'GET', '/rules')).rules[0]?.id;
  const incident = (await ask(server, 'GET', '/incidents?status=all')).value[0]?.number;
  const q = encodeURIComponent('CastellanGateDecisions\n| take 200');
  const chart = encodeURIComponent('CastellanGateDecisions\n| summarize Count = count() by bin(TimeGenerated, 3h), Action\n| render columnchart');
  const one = encodeURIComponent;
  views = [
    ...main, workload && `/overview?workload=${one(workload)}`, recommendation && `/recommendations?sel=${one(recommendation)}`, thing && `/inventory?sel=${one(thing)}`, '/inventory?tab=graph', ...(incident ? [`/incidents?sel=${incident}`, `/incidents/${incident}`, ...['guide', 'graph', 'alerts', 'entities', 'evidence', 'work', 'activity'].map((tab) => `/incidents/${incident}?tab=${tab}`)] : []),
    `/hunting?q=${q}`, `/hunting?q=${chart}`, ...['profiles', 'models', 'limits', 'keys', 'orders', 'try'].map((tab) => `/gate?tab=${tab}`), '/content?tab=sources', '/content?tab=events', rule && `/content?sel=${one(rule)}`, '/settings?tab=access', '/settings?tab=ways',
  ].filter(Boolean);
});
after(async () => {
  await browser?.close();
  server?.close();
});

async function look(page, hash, wait) {
  await go(page, server, hash);
  await wait();
  const problems = await violations(page);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (sideways > 1) problems.push(`the page is ${sideways} px wider than the window`);
  return problems.map((problem) => `${hash}: ${problem}`);
}

const expected = /Failed to load resource: the server responded with a status of 500/;

for (const theme of ['light', 'dark']) {
  for (const size of ['laptop', 'phone']) {
    test(`full: ${theme}, ${size}`, async () => {
      const { page, said, close } = await openPage(browser, server, { theme, size });
      const problems = [];
      for (const hash of views) problems.push(...(await look(page, hash, () => settle(page))));
      await close();
      assert.deepEqual([...problems, ...said], []);
    });
    for (const mode of ['empty', 'error', 'slow']) {
      test(`${mode}: ${theme}, ${size}`, { skip: isReal && 'only the mock can be told to' }, async () => {
        const { page, said, close } = await openPage(browser, server, { theme, size, mode });
        const problems = [];
        for (const hash of [...main, '/gate?tab=orders', '/gate?tab=keys', '/content?tab=sources', '/inventory?tab=graph']) {
          problems.push(...(await look(page, hash, async () => {
            if (mode === 'slow') await page.waitForSelector('main .skeleton');
            else await settle(page);
            if (mode === 'error' && hash !== '/hunting') await page.waitForSelector('main .failed');
            if (mode === 'empty' && hash !== '/settings') await page.waitForSelector('main .empty, main .note');
          })));
        }
        await close();
        assert.deepEqual([...problems, ...said.filter((line) => !(mode === 'error' && expected.test(line)))], []);
      });
    }
    test(`sign-in: ${theme}, ${size}`, async () => {
      const { page, said, close } = await openPage(browser, server, { theme, size, signedIn: false });
      const problems = await look(page, '/overview', () => page.waitForSelector('form'));
      await close();
      assert.deepEqual([...problems, ...said.filter((line) => !/status of 401/.test(line))], []);
    });
  }
}

test('nothing is wider than a window of 360 pixels', async () => {
  const { page, close } = await openPage(browser, server);
  await page.setViewportSize({ width: 360, height: 740 });
  const wide = [];
  for (const hash of views) {
    await go(page, server, hash);
    await settle(page);
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (beyond > 1) wide.push(`${hash}: ${beyond} px`);
  }
  await close();
  assert.deepEqual(wide, []);
});

test('roles see what they may', { skip: isReal && 'only the mock has a role to choose' }, async () => {
  const other = await openServer({ role: 'reader' });
  const { page, close } = await openPage(browser, other);
  await go(page, other, '/gate?tab=keys');
  await page.waitForSelector('text=Virtual keys need the role administrator');
  await go(page, other, '/settings');
  await page.waitForSelector('text=needs the role administrator');
  await go(page, other, '/incidents/1');
  await page.waitForSelector('text=needs the role responder');
  assert.equal(await page.getByRole('button', { name: 'Contain…' }).count(), 0);
  await close();
  other.close();
});
