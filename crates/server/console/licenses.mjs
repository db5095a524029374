// The packages that the console is made of and made with, with their licences, as Markdown. Fails where one that is bundled has a licence
// that this product does not take.
import { readFileSync } from 'node:fs';

const lock = JSON.parse(readFileSync(new URL('package-lock.json', import.meta.url), 'utf8'));
const taken = /^(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD)$/;
/** What ends in the bundles; the rest builds or tests. */
const bundled = /^node_modules\/(preact|@preact\/|@codemirror\/|@lezer\/|@marijn\/|crelt|style-mod|w3c-keyname)/;

const rows = Object.entries(lock.packages)
  .filter(([path, found]) => path && !found.optional)
  .map(([path, { version, license }]) => ({ path, name: path.replace(/^.*node_modules\//, ''), version, license: license ?? 'not said' }))
  .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

const inBundles = rows.filter(({ path }) => bundled.test(path));
const refused = inBundles.filter(({ license }) => !taken.test(license));
if (refused.length) {
  console.error(`bundled under a licence that is not taken: ${refused.map(({ name, license }) => `${name} (${license})`).join(', ')}`);
  process.exit(1);
}
const table = (all) => ['| package | version | licence |', '|---|---|---|', ...all.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`)].join('\n');
console.log(`# Licences of the console's packages

Written by \`licenses.mjs\` from \`package-lock.json\`.

## In the bundles

${table(inBundles)}

## For building and testing alone

None of these is in what the server sends.

${table(rows.filter((row) => !inBundles.includes(row)))}`);
