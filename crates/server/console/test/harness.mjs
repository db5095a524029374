// What the tests of pages share: a server (the mock, or the one that CONSOLE_URL and CONSOLE_TOKEN name), a browser, somebody signed in.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { start } from '../dev/mock.mjs';

const { CONSOLE_URL: address, CONSOLE_TOKEN: token } = process.env;
/** Whether a real server is driven. What it holds is asked of its API, never taken for granted. */
export const isReal = !!address;
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export async function openServer(options) {
  if (!isReal) return start(options);
  if (!token) throw new Error('CONSOLE_TOKEN is needed beside CONSOLE_URL');
  return { url: address.replace(/\/$/, ''), token, close() {} };
}

export const openBrowser = () =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });

/** Asks the API as a program does. */
export async function ask(server, method, path, body) {
  const response = await fetch(`${server.url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

export const sizes = { laptop: { width: 1366, height: 768 }, phone: { width: 390, height: 844 } };

/** A page of somebody who is signed in. `said` fills with everything the browser complains about. */
export async function openPage(browser, server, { theme = 'light', size = 'laptop', signedIn = true, mode } = {}) {
  const context = await browser.newContext({ viewport: sizes[size], colorScheme: theme, reducedMotion: 'reduce', hasTouch: size === 'phone' });
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && said.push(`${message.type()}: ${message.text()} ${message.location().url}`));
  page.on('pageerror', (error) => said.push(`uncaught: ${error.message}`));
  page.on('dialog', (dialog) => { said.push(`a dialog of a script: ${dialog.message()}`); void dialog.dismiss(); });
  if (signedIn) {
    const signed = await context.request.post(`${server.url}/api/v1/session`, { data: { token: server.token } });
    if (signed.status() !== 204) throw new Error(`signing in: ${signed.status()} ${await signed.text()}`);
  }
  if (mode) await context.addCookies([{ name: 'mock_mode', value: mode, url: server.url }]);
  return { page, context, said, close: () => context.close() };
}

export const go = async (page, server, hash) => {
  await page.goto('about:blank');
  await page.goto(`${server.url}/#${hash}`, { waitUntil: 'domcontentloaded' });
};

/** Until nothing is loading any more. */
export async function settle(page) {
  await page.waitForSelector('main', { timeout: 15_000 });
  await page.waitForFunction(() => !document.querySelector('main .skeleton, main[aria-busy="true"]'), null, { timeout: 30_000 });
  await page.waitForTimeout(120);
}

/** What axe has to say against the page, by the rules of WCAG 2.2 AA. */
export async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return violations.map((one) => `${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? node.failureSummary ?? ''}`).join(' | ')}`);
  });
  return found;
}
