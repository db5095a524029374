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

/** What may be transferred, compressed, before the first page can be used. */
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

// `app` is the frame and the overview; `pages` are the others, and `shared` is what both use. The editor is a bundle of its own without
// Preact, loaded by its name when the hunting page opens.
const bundles = await Promise.all([
  build({ ...shared, entryPoints: { app: 'src/main.tsx', pages: 'src/pages/index.ts' }, outdir, external: ['/editor.js'], splitting: true, chunkNames: 'shared' }),
  build({ ...shared, entryPoints: { editor: 'src/editor/editor.ts' }, outdir }),
  build({ ...shared, entryPoints: { app: 'src/styles/index.css' }, outdir, loader: { '.css': 'css' } }),
]);

const files = new Map();
for (const { outputFiles } of bundles) {
  for (const file of outputFiles) files.set(file.path.slice(outdir.length + 1), Buffer.from(file.contents));
}
for (const name of ['index.html', 'icon.svg']) files.set(name, await readFile(join(here, name)));

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

const first = sizes['index.html'] + sizes['app.js'] + sizes['shared.js'] + sizes['app.css'] + sizes['icon.svg'];
for (const [name, size] of Object.entries(sizes)) console.log(`${String(size).padStart(8)} B gzip  ${name}`);
console.log(`${String(first).padStart(8)} B gzip  first load, of ${FIRST_LOAD_LIMIT} at most`);
if (first > FIRST_LOAD_LIMIT) {
  console.error('the first load is too large: move something into a bundle that is loaded later');
  process.exit(1);
}
