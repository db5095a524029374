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

test('the first load is under 60 kB as it is sent', async () => {
  const { page, context, close } = await openPage(browser, server);
  const wire = await context.newCDPSession(page);
  await wire.send('Network.enable');
  const paths = new Map();
  let bytes = 0;
  wire.on('Network.responseReceived', ({ requestId, response }) => paths.set(requestId, new URL(response.url).pathname));
  wire.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (!paths.get(requestId)?.startsWith('/api/')) bytes += encodedDataLength;
  });
  const began = Date.now();
  await page.goto(`${server.url}/`);
  await page.waitForSelector('.figure-value');
  const usable = Date.now() - began;
  await settle(page);
  console.log(`first load: ${bytes} bytes, headers included; numbers stand after ${usable} ms`);
  assert.ok(bytes > 10_000 && bytes < 60_000, `${bytes} bytes`);
  assert.ok(![...paths.values()].includes('/editor.js'), 'the editor is loaded by hunting alone');
  await close();
});
