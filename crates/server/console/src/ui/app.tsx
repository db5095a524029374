// The frame around the pages.
import { useEffect, useState } from 'preact/hooks';
import { effect, signal } from '@preact/signals';
import { loadSession, Problem, session, signedOut } from '../core/api';
import { route } from '../core/route';
import { open, close } from '../core/live';
import { listen } from '../core/keys';
import { Failed, notice, Skeleton } from './basics';
import { Viewer, opened } from './text';
import { Help, Nav, TopBar, titles } from './frame';
import { Overview } from '../pages/overview';
import { SignIn } from '../pages/signin';
import { Icon, Logo } from './icons';
import { Marks } from './marks';

type Pages = typeof import('../pages/index');
const pages = signal<Pages | undefined>(undefined);
let isLoading = false;
const failure = signal<Problem | undefined>(undefined);

/** Loads the other pages once: when one is wanted, or soon will be. */
function loadPages(): void {
  if (pages.value || isLoading) return;
  isLoading = true;
  failure.value = undefined;
  import('../pages/index').then(
    (found) => (pages.value = found),
    () => {
      isLoading = false;
      failure.value = new Problem('A part of the console could not be loaded. Was castellan upgraded meanwhile? Then load the page again.', 0);
    },
  );
}

function CurrentPage() {
  const { page, id } = route.value;
  useEffect(() => {
    if (page !== 'overview') loadPages();
  }, [page]);
  if (page === 'overview') return <Overview />;
  const found = pages.value;
  if (failure.value) return <Failed what="This page cannot be shown" problem={failure.value} retry={loadPages} />;
  if (!found) return <Skeleton lines={12} tall />;
  if (page === 'incidents') return id ? <found.IncidentPage key={id} id={id} /> : <found.Incidents />;
  const Page = { hunting: found.Hunting, recommendations: found.Recommendations, inventory: found.Inventory, gate: found.Gate, content: found.Content, settings: found.Settings }[page];
  return <Page />;
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
      <Nav onIntent={loadPages} />
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
