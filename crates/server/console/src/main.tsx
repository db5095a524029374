// The console: finds out who is signed in, then shows the page that the address names.
import { render } from 'preact';
import { loadSession, signIn, signedOut } from './core/api';
import { restoreTheme } from './core/theme';
import { App } from './ui/app';

restoreTheme();

/** What the server says of a sign-in at the identity provider that failed. Any other word in the address is nobody's: it is not shown. */
const problems: Record<string, string> = {
  denied: 'The identity provider did not sign you in.',
  expired: 'This sign-in took too long, was used before, or was begun in another browser. Begin again.',
  refused: 'The answer of the identity provider cannot be trusted. An administrator finds the reason under Settings.',
  role: 'You are known, but you have no role here. Ask an administrator for one.',
  unreachable: 'The identity provider does not answer. Try again later, or sign in with the administrator token.',
};

/** What a sign-in link or the identity provider left behind `#`; it goes from the address at once, so that it is not kept or shared. */
async function arrive(): Promise<void> {
  const [, word, value] = location.hash.match(/^#(code|problem)=(.*)$/s) ?? [];
  const place = takePlace();
  if (word || (place && !location.hash)) {
    history.replaceState(null, '', place ?? '#/overview');
    dispatchEvent(new HashChangeEvent('hashchange'));
  }
  if (!word) return loadSession();
  if (word === 'problem') {
    signedOut.value = { why: problems[value ?? ''] ?? 'Signing in failed. Begin again.' };
    return loadSession();
  }
  try {
    await signIn({ code: decodeURIComponent(value ?? '') });
  } catch (error) {
    signedOut.value = { why: `${error instanceof Error ? error.message : error} The link works once and for a few minutes; the token works always.` };
    await loadSession();
  }
}

/** Where somebody was before going to the identity provider. */
function takePlace(): string | undefined {
  try {
    const place = sessionStorage.getItem('castellan.place');
    sessionStorage.removeItem('castellan.place');
    return place?.startsWith('#/') ? place : undefined;
  } catch {
    return undefined;
  }
}

const root = document.getElementById('app')!;
const arrival = arrive();
render(<App arrival={arrival} />, root);
