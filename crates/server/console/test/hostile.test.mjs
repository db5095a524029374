// What attackers write into logs is shown as text: nothing runs, nothing links, nothing hides.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { go, isReal, openBrowser, openPage, openServer, settle } from './harness.mjs';

let server, browser;
before(async () => {
  server = await openServer();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
});

const q = (query) => `/hunting?range=30d&q=${encodeURIComponent(query)}`;
/** With a real server the hostile values are written into the query itself. */
const print = 'print Markup = "<script>window.__pwned=1</script><img src=x onerror=\\"window.__pwned=2\\"><a href=\\"javascript:window.__pwned=3\\">click</a>", Bidi = "invoice_\\u202egnp.exe", Ansi = "\\u001b[31mALERT", Link = "https://evil.example/collect"';
const views = isReal ? [q(print)] : ['/gate', '/incidents', '/incidents/6', '/incidents/6?tab=guide', '/incidents/6?tab=alerts', '/incidents/6?tab=evidence', '/incidents/6?tab=entities', '/incidents/6?tab=graph', '/incidents/2?tab=work', q('AppGenAIContent'), q('CastellanGateDecisions | where PrincipalName has "script"')];

async function inert(page) {
  return page.evaluate(() => {
    const hosts = [document, ...[...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean)];
    const all = (selector) => hosts.flatMap((host) => [...host.querySelectorAll(selector)]);
    const problems = [];
    if (globalThis.__pwned !== undefined) problems.push(`a script ran: ${globalThis.__pwned}`);
    for (const one of all('main script, main iframe, main img, main object, main embed')) problems.push(`an element that was never written: ${one.tagName}`);
    for (const one of all('a[href]')) if (!/^(#\/|\/|#main)/.test(one.getAttribute('href'))) problems.push(`a link away from here: ${one.getAttribute('href')}`);
    for (const one of all('*')) for (const { name } of one.attributes) if (name.startsWith('on')) problems.push(`a handler in markup: ${name}`);
    const odd = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e0fff}]/u;
    const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) if (odd.test(walk.currentNode.data)) problems.push(`a character that cannot be seen: ${JSON.stringify(walk.currentNode.data.slice(0, 80))}`);
    for (const one of all('main [aria-label], main [title]')) for (const name of ['aria-label', 'title']) if (odd.test(one.getAttribute(name) ?? '')) problems.push(`a character that cannot be seen, in ${name}`);
    return problems;
  });
}

test('hostile values are inert on every page that shows them', async () => {
  const { page, said, close } = await openPage(browser, server);
  const away = [];
  page.on('request', (request) => !request.url().startsWith(server.url) && !/^(about|data|blob):/.test(request.url()) && away.push(request.url()));
  const problems = [];
  for (const view of views) {
    await go(page, server, view);
    await settle(page);
    if (view.startsWith('/hunting')) {
      await page.waitForSelector('.grid-td');
      await page.locator('.grid-td').first().click();
      await page.waitForSelector('.pane');
    }
    problems.push(...(await inert(page)).map((one) => `${view}: ${one}`));
  }
  assert.deepEqual([...problems, ...said, ...away], []);
  await close();
});

test('marks say what cannot be seen', async () => {
  const { page, close } = await openPage(browser, server);
  await go(page, server, isReal ? q(print) : q('AppGenAIContent | where AgentName == "bidi"'));
  await settle(page);
  await page.waitForSelector('.grid .mark');
  const marks = await page.locator('.grid .mark').allInnerTexts();
  assert.ok(marks.includes('RLO'), `a mark for the override, among ${marks}`);
  await close();
});

test('a text of a megabyte is cut, and its viewer shows a part at a time', { skip: isReal && 'it is in the data of the mock' }, async () => {
  const { page, close } = await openPage(browser, server);
  await go(page, server, q('AppGenAIContent | where AgentName == "huge"'));
  await settle(page);
  await page.locator('.grid-td').first().click();
  await page.locator('.pane').getByRole('button', { name: /show all/ }).first().click();
  await page.waitForSelector('dialog .viewer');
  const shown = (await page.locator('dialog .viewer').innerText()).length;
  assert.ok(shown <= 20_100, `${shown} characters are in the page`);
  await page.getByRole('button', { name: 'After' }).click();
  await page.waitForSelector('text=Part 2 of');
  const total = await page.evaluate(() => document.documentElement.textContent.length);
  assert.ok(total < 120_000, `${total} characters are in the page`);
  await close();
});

test('the policy is strict, and holds', async () => {
  const response = await fetch(`${server.url}/`);
  const policy = response.headers.get('content-security-policy') ?? '';
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) assert.ok(policy.includes(part), `${part} in ${policy}`);
  assert.doesNotMatch(policy, /unsafe|\*/);
  const html = await response.text();
  assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/i);
});
