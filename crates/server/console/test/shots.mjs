// Pictures of pages as `console-NAME.png`: `node test/shots.mjs FOLDER [light|dark] [laptop|phone] [NAME...]`.
import { mkdir } from 'node:fs/promises';
import { ask, go, openBrowser, openPage, openServer, settle } from './harness.mjs';

const [folder = '/tmp/console-shots', theme = 'light', size = 'laptop', ...only] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const server = await openServer();
const browser = await openBrowser();
const { page, said } = await openPage(browser, server, { theme, size });
const [recommendation] = (await ask(server, 'POST', '/query', { query: 'CastellanRecommendations | where Fixable == true | top 1 by RiskGain desc | project Id' })).rows[0];
const [workload] = (await ask(server, 'POST', '/query', { query: 'CastellanCoverage | where State == "Gap" | take 1 | project WorkloadId' })).rows[0];
const [thing] = (await ask(server, 'POST', '/query', { query: 'CastellanInventory | where Kind == "agent" | take 1 | project Id' })).rows[0];
const { value } = await ask(server, 'GET', '/incidents?status=all');
// The one with the longest story.
const number = value.sort((one, other) => other.alerts - one.alerts)[0]?.number ?? 1;
const q = encodeURIComponent('CastellanGateDecisions\n| where Action != "allow"\n| project TimeGenerated, Action, PrincipalName, AgentId, ModelName, Reason, Findings, SrcIpAddr\n| sort by TimeGenerated desc');
const chart = encodeURIComponent('CastellanGateDecisions\n| summarize Count = count() by bin(TimeGenerated, 3h), Action\n| render columnchart');
const pages = {
  overview: '/overview', coverage: `/overview?workload=${encodeURIComponent(workload)}`, recommendations: `/recommendations?sel=${recommendation}`, inventory: `/inventory?sel=${encodeURIComponent(thing)}`, graph: '/inventory?tab=graph', incidents: `/incidents?sel=${number}`, incident: `/incidents/${number}`, incidentgraph: `/incidents/${number}?tab=graph`,
  hunting: `/hunting?q=${q}`, huntchart: `/hunting?q=${chart}`, gate: '/gate', profiles: '/gate?tab=profiles', keys: '/gate?tab=keys', orders: '/gate?tab=orders', try: '/gate?tab=try', content: '/content', sources: '/content?tab=sources', settings: '/settings', access: '/settings?tab=access',
};
for (const [name, hash] of Object.entries(pages)) {
  if (only.length && !only.includes(name)) continue;
  await go(page, server, hash);
  await settle(page);
  if (name.startsWith('hunt')) await page.waitForTimeout(900);
  if (name === 'try') {
    await page.getByRole('button', { name: 'Try', exact: true }).click();
    await page.waitForSelector('.verdict');
  }
  await page.screenshot({ path: `${folder}/console-${name}.png` });
}
for (const line of said) console.log(line);
await browser.close();
server.close();
