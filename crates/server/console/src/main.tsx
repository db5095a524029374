// The console: finds out who is signed in, then shows the page that the address names.
import { render } from 'preact';
import { loadSession, signIn, signedOut } from './core/api';
import { restoreTheme } from './core/theme';
import { App } from './ui/app';

restoreTheme();

/** What a sign-in link or the identity provider left behind `#`; it goes from the address at once, so that it is not kept or shared. */
async function arrive(): Promise<void> {
  const [, word, value] = location.hash.match(/^#(code|problem)=(.*)$/s) ?? [];
  if (!word) return loadSession();
  const before = takePlace();
  history.replaceState(null, '', before);
  dispatchEvent(new HashChangeEvent('hashchange'));
  if (word === 'problem') {
    signedOut.value = { why: decodeURIComponent(value ?? '') };
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
function takePlace(): string {
  const place = sessionStorage.getItem('castellan.place');
  sessionStorage.removeItem('castellan.place');
  return place?.startsWith('#/') ? place : '#/overview';
}

const root = document.getElementById('app')!;
const arrival = arrive();
render(<App arrival={arrival} />, root);
