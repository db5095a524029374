// Builds dist/ from src/: bundles under lasting names, and a list of them. Fails where the first load is too large.
// `--outdir FOLDER` writes elsewhere.
import { build } from 'esbuild';
import { readFile, writeFile, mkdir, rm } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const option = (name) => process.argv.indexOf(name) + 1 && process.argv[process.argv.indexOf(name) + 1];
const outdir = option('--outdir') || join(here, 'dist');

/** What may be transferred, compressed, before the page that is opened first can be used, whichever that is; the editor comes after. */
const FIRST_LOAD_LIMIT = 60_000;

const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022'],
  charset: 'utf8',
  legalComments: 'none',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  write: false,
  logLevel: 'warning',
};

/** The pages beside the overview, which is in `app`, by the bundle that they come in. */
const PAGES = ['estate', 'gate', 'hunting', 'incidents', 'settings'];

// What several of these use comes in chunks, shared1.js and so on. The editor is a bundle of its own without Preact, loaded by its name when
// the hunting page opens.
const entryPoints = { app: 'src/main.tsx', ...Object.fromEntries(PAGES.map((name) => [name, `src/pages/bundles/${name}.ts`])) };
const bundles = await Promise.all([
  build({ ...shared, entryPoints, outdir, external: ['/editor.js'], splitting: true, chunkNames: 'chunk-[hash]', metafile: true }),
  build({ ...shared, entryPoints: { editor: 'src/editor/editor.ts' }, outdir }),
  build({ ...shared, entryPoints: { app: 'src/styles/index.css' }, outdir, loader: { '.css': 'css' } }),
]);

const files = new Map();
for (const { outputFiles } of bundles) {
  for (const file of outputFiles) files.set(file.path.slice(outdir.length + 1), Buffer.from(file.contents));
}

/** What a bundle imports before it runs, itself included. */
const outputs = bundles[0].metafile.outputs;
const outputOf = (name) => Object.keys(outputs).find((path) => path.endsWith(`/${name}`));
function needs(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const { path, kind } of outputs[outputOf(name)].imports) if (kind === 'import-statement') needs(path.split('/').pop(), found);
  return found;
}

// Chunks get lasting names, by what needs them, so that a change shows as one.
const chunks = [...files.keys()].filter((name) => name.startsWith('chunk-'));
const users = new Map(chunks.map((chunk) => [chunk, Object.keys(entryPoints).filter((name) => needs(`${name}.js`).has(chunk)).join(' ')]));
chunks.sort((one, other) => users.get(one).localeCompare(users.get(other)) || one.localeCompare(other));
const lasting = new Map(chunks.map((chunk, at) => [chunk, `shared${at + 1}.js`]));
const loads = Object.fromEntries(Object.keys(entryPoints).map((name) => [name, [...needs(`${name}.js`)].map((file) => lasting.get(file) ?? file)]));
for (const [name, bytes] of [...files]) {
  if (!name.endsWith('.js') || name === 'editor.js') continue;
  const text = chunks.reduce((text, chunk) => text.replaceAll(chunk, lasting.get(chunk)), bytes.toString());
  files.delete(name);
  files.set(lasting.get(name) ?? name, Buffer.from(text));
}
const ahead = loads.app.filter((name) => name !== 'app.js').sort();
const index = (await readFile(join(here, 'index.html'), 'utf8')).replace('<!-- chunks -->', ahead.map((name) => `<link rel="modulepreload" href="/${name}">`).join('\n'));
files.set('index.html', Buffer.from(index));
files.set('icon.svg', await readFile(join(here, 'icon.svg')));

const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', html: 'text/html; charset=utf-8', svg: 'image/svg+xml' };
/** What is sent: the server compresses each file when it is asked for first. */
const compressed = (bytes) => gzipSync(bytes, { level: 9 }).length;

await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });
const manifest = [];
const sizes = {};
for (const name of [...files.keys()].sort()) {
  const bytes = files.get(name);
  sizes[name] = compressed(bytes);
  await writeFile(join(outdir, name), bytes);
  manifest.push({ path: `/${name}`, file: name, type: types[name.split('.').pop()] });
}
await writeFile(join(outdir, 'manifest.json'), `${JSON.stringify({ index: 'index.html', files: manifest }, null, 2)}\n`);

for (const [name, size] of Object.entries(sizes)) console.log(`${String(size).padStart(8)} B gzip  ${name}`);
const first = ['index.html', 'app.css', 'icon.svg', ...loads.app];
for (const page of ['overview', ...PAGES]) {
  const all = new Set([...first, ...(loads[page] ?? [])]);
  const size = [...all].reduce((sum, name) => sum + sizes[name], 0);
  console.log(`${String(size).padStart(8)} B gzip  to open ${page} first, of ${FIRST_LOAD_LIMIT} at most`);
  if (size > FIRST_LOAD_LIMIT) {
    console.error('that is too large: move something into a bundle that is loaded later');
    process.exitCode = 1;
  }
}
