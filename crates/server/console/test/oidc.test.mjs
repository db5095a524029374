// Signing in at an identity provider as a browser does it: over a real server that CONSOLE_URL names, whose provider CONSOLE_OIDC names.
// The provider signs in whoever `/as?account=NAME` said last: ann is an administrator, ben a reader, eve has no role, nobody is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { go, openBrowser, openPage, openServer, settle, violations } from './harness.mjs';

const provider = process.env.CONSOLE_OIDC;
const skip = !provider && 'no provider: crates/server/tests/it/console/oidc.rs starts one';
let server, browser;
before(async () => {
  if (skip) return;
  server = await openServer();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
});

/** Somebody goes to a place of the console without being signed in, and takes the way over the provider. */
async function begin(account, place, does) {
  await fetch(`${provider}/as?account=${account}`);
  const opened = await openPage(browser, server, { signedIn: false });
  const { page } = opened;
  try {
    await go(page, server, place);
    await page.waitForSelector('input[name=token]');
    assert.deepEqual(await violations(page), []);
    await page.getByRole('button', { name: 'Harbour Mutual' }).click();
    await does(page, opened);
  } finally {
    await opened.close();
  }
}

for (const [account, role] of [['ann', 'administrator'], ['ben', 'reader']]) {
  test(`${account} signs in as ${role}, comes to where ${account} wanted to go, and signs out`, { skip }, () => begin(account, '/incidents?status=New', async (page, { said, context }) => {
    await page.waitForSelector('main[data-page=incidents]');
    await settle(page);
    assert.match(page.url(), /#\/incidents\?status=New$/);
    assert.equal(await page.locator('.account summary').getAttribute('aria-label'), `Account: ${account}@harbour.example, ${role}`);
    const cookies = (await context.cookies(server.url)).map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]);
    assert.deepEqual(cookies, [['castellan_session', true, 'Strict']]);
    await go(page, server, '/gate?tab=orders');
    await settle(page);
    assert.equal(await page.getByText('Virtual keys need the role administrator').count(), 0);
    await page.locator('.account summary').click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForSelector('input[name=token]');
    assert.deepEqual(await context.cookies(server.url), []);
    assert.deepEqual(said.filter((line) => !/status of 401/.test(line)), []);
  }));
}

for (const [account, told] of [['eve', /you have no role here/], ['nobody', /did not sign you in/]]) {
  test(`${account} is told why there is no way in`, { skip }, () => begin(account, '/incidents', async (page, { context }) => {
    await page.getByRole('status').filter({ hasText: told }).waitFor();
    assert.doesNotMatch(page.url(), /problem=/);
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(await context.cookies(server.url), []);
  }));
}

test('words of a stranger are not shown as ours', { skip }, async () => {
  const opened = await openPage(browser, server, { signedIn: false });
  await opened.page.goto(`${server.url}/#problem=Call%20us%20at%20555-0100`);
  await opened.page.getByRole('status').filter({ hasText: 'Signing in failed' }).waitFor();
  assert.equal(await opened.page.getByText('555').count(), 0);
  await opened.close();
});
