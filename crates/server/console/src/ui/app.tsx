// The frame around the pages.
import { useEffect, useState } from 'preact/hooks';
import { effect, signal } from '@preact/signals';
import { loadSession, Problem, session, signedOut } from '../core/api';
import { route, type Page as PageName } from '../core/route';
import { open, close } from '../core/live';
import { listen } from '../core/keys';
import { Failed, notice, Skeleton } from './basics';
import { Viewer, opened } from './text';
import { Help, Nav, TopBar, titles } from './frame';
import { Overview } from '../pages/overview';
import { SignIn } from '../pages/signin';
import { Icon, Logo } from './icons';
import { Marks } from './marks';

/** The pages beside the overview, which is there from the start. Those of one bundle come together. */
const bundles = {
  incidents: () => import('../pages/bundles/incidents'),
  estate: () => import('../pages/bundles/estate'),
  gate: () => import('../pages/bundles/gate'),
  hunting: () => import('../pages/bundles/hunting'),
  settings: () => import('../pages/bundles/settings'),
};
type Bundle = keyof typeof bundles;
type Pages = { [B in Bundle]?: Awaited<ReturnType<(typeof bundles)[B]>> };
const bundleOf: Record<Exclude<PageName, 'overview'>, Bundle> = {
  incidents: 'incidents', recommendations: 'estate', inventory: 'estate', gate: 'gate', hunting: 'hunting', content: 'settings', settings: 'settings',
};
const pages = signal<Pages>({});
const loading = new Set<Bundle>();
const failure = signal<Problem | undefined>(undefined);

/** Loads the bundle of a page once: when it is wanted, or soon will be. */
function loadPage(page: PageName): void {
  if (page === 'overview') return;
  const bundle = bundleOf[page];
  if (pages.value[bundle] || loading.has(bundle)) return;
  loading.add(bundle);
  failure.value = undefined;
  bundles[bundle]().then(
    (found) => (pages.value = { ...pages.value, [bundle]: found }),
    () => {
      loading.delete(bundle);
      failure.value = new Problem('A part of the console could not be loaded. Was castellan upgraded meanwhile? Then load the page again.', 0);
    },
  );
}

function CurrentPage() {
  const { page, id } = route.value;
  useEffect(() => loadPage(page), [page]);
  if (page === 'overview') return <Overview />;
  const { incidents, estate, gate, hunting, settings } = pages.value;
  const shown = {
    incidents: incidents && (id ? <incidents.IncidentPage key={id} id={id} /> : <incidents.Incidents />),
    recommendations: estate && <estate.Recommendations />,
    inventory: estate && <estate.Inventory />,
    gate: gate && <gate.Gate />,
    hunting: hunting && <hunting.Hunting />,
    content: settings && <settings.Content />,
    settings: settings && <settings.Settings />,
  }[page];
  if (shown) return shown;
  if (failure.value) return <Failed what="This page cannot be shown" problem={failure.value} retry={() => loadPage(page)} />;
  return <Skeleton lines={12} tall />;
}

export function App({ arrival }: { arrival: Promise<void> }) {
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [turn, setTurn] = useState(arrival);
  useEffect(() => {
    setProblem(undefined);
    turn.catch((error: unknown) => setProblem(error instanceof Problem ? error : new Problem(String(error), -1)));
  }, [turn]);
  useEffect(() => effect(() => (session.value ? open() : close())), []);

  if (problem) {
    return <main class="alone"><Failed what="The console cannot start" problem={problem} retry={() => setTurn(loadSession())} /></main>;
  }
  if (session.value) return <Frame />;
  if (signedOut.value && signedOut.value.oidc) return <SignIn />;
  return <main class="alone" aria-busy="true"><div class="starting"><Logo /><p role="status">Starting…</p></div></main>;
}

function Frame() {
  useEffect(listen, []);
  const { page, id } = route.value;
  useEffect(() => {
    document.title = `${id && page === 'incidents' ? `Incident ${id}` : titles[page]} · Castellan`;
  }, [page, id]);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>Skip to the page</a>
      <Nav onIntent={loadPage} />
      <div class="right">
        {session.value?.demo && <aside class="demo-line" aria-label="About this demonstration"><b>Demonstration.</b> Harbour Mutual is invented, its models are a stub, and what you see was generated. Nothing you do here reaches a real system.</aside>}
        <TopBar />
        <main id="main" tabIndex={-1} key={page} data-page={page}><CurrentPage /></main>
      </div>
      <Help />
      {opened.value && <Viewer {...opened.value} onClose={() => (opened.value = undefined)} />}
      <div class="notices" role="status" aria-live="polite">{notice.value && <div class={`notice ${notice.value.tone}`}><Icon name={notice.value.tone === 'bad' ? 'incidents' : 'check'} /><span class="log"><Marks text={notice.value.text.slice(0, 600)} /></span><button type="button" class="link" onClick={() => (notice.value = undefined)}>Dismiss</button></div>}</div>
    </div>
  );
}
