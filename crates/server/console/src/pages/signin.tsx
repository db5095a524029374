// Signing in, by the administrator token or by the organisation's identity provider.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem, signIn, signedOut } from '../core/api';
import { Button } from '../ui/basics';
import { Icon, Logo } from '../ui/icons';

export function SignIn() {
  const { oidc, why, version, demo } = signedOut.value ?? {};
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isWorking, setWorking] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = 'Sign in · Castellan';
    field.current?.focus();
  }, []);

  const submit = async () => {
    setWorking(true);
    setProblem(undefined);
    try {
      await signIn({ token: token.trim() });
    } catch (error) {
      const status = error instanceof Problem ? error.status : 0;
      const wait = error instanceof Problem && error.retryAfter ? ` Wait ${error.retryAfter} seconds.` : '';
      setProblem(status === 401 ? 'This is not the administrator token. It was printed when castellan started for the first time.' : `${error instanceof Error ? error.message : error}${wait}`);
      setWorking(false);
      field.current?.select();
    }
  };
  const leave = () => {
    try {
      sessionStorage.setItem('castellan.place', location.hash);
    } catch {
      // Then people come back to the overview.
    }
    location.assign('/api/v1/session/oidc');
  };

  return (
    <main class="alone" id="main">
      <div class="signin">
        <h1><Logo /> Castellan</h1>
        <p class="lead">Finds, governs, guards and watches AI workloads.</p>
        {demo && <p class="hint-line">This is a demonstration: the link that was printed beside the address signs you in.</p>}
        {why && !problem && <p class="hint-line" role="status">{why}</p>}
        {oidc?.enabled && <><Button kind="primary" onClick={leave}>{oidc.label || 'Sign in with your organisation'}</Button><p class="or" aria-hidden="true">or</p></>}
        <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
          <label class="field">
            <span class="field-label">Administrator token</span>
            <input ref={field} class="input" type="password" name="token" autocomplete="current-password" required value={token} aria-invalid={!!problem} aria-describedby={problem ? 'problem' : 'where'}
              onInput={(event) => setToken(event.currentTarget.value)} />
          </label>
          {problem && <p class="field-problem" id="problem" role="alert"><Icon name="incidents" />{problem}</p>}
          <button class={`button ${oidc?.enabled ? 'plain' : 'primary'}`} type="submit" disabled={isWorking || !token.trim()}>{isWorking ? 'Signing in…' : 'Sign in'}</button>
        </form>
        <p class="note" id="where">The token was printed at the first start, together with a link that signs in once. Lost it? Start <code>castellan up</code> with <code>CASTELLAN_TOKEN</code> set.</p>
        <p class="note version">Castellan {version}</p>
      </div>
    </main>
  );
}

