// What the first page costs, and how soon it stands.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage, openServer, settle } from './harness.mjs';

let server, browser;
before(async () => {
  server = await openServer();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
});

/** Each page; any of them may be the first that somebody opens. */
const PAGES = ['overview', 'incidents', 'hunting', 'recommendations', 'inventory', 'gate', 'content', 'settings'];

for (const name of PAGES) {
  test(`opening ${name} first is under 60 kB as it is sent`, async () => {
    const { page, context, close } = await openPage(browser, server);
    const wire = await context.newCDPSession(page);
    await wire.send('Network.enable');
    const paths = new Map();
    let bytes = 0;
    wire.on('Network.responseReceived', ({ requestId, response }) => paths.set(requestId, new URL(response.url).pathname));
    wire.on('Network.dataReceived', ({ requestId, encodedDataLength }) => {
      const path = paths.get(requestId);
      if (!path?.startsWith('/api/') && path !== '/editor.js') bytes += encodedDataLength;
    });
    const began = Date.now();
    await page.goto(`${server.url}/#/${name}`);
    await page.waitForSelector(`main[data-page="${name}"] *`);
    await page.waitForFunction(() => !document.querySelector('main .skeleton'));
    await settle(page);
    console.log(`${name} first: ${bytes} bytes; it stands after ${Date.now() - began} ms`);
    assert.ok(bytes > 10_000 && bytes < 60_000, `${bytes} bytes`);
    assert.equal([...paths.values()].includes('/editor.js'), name === 'hunting', 'the editor is loaded by hunting alone');
    await close();
  });
}
