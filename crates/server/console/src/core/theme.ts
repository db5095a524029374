// Dark or light: as the system says, unless somebody chose.
import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const NAME = 'castellan.theme';
export const theme = signal<Theme>('system');

function show(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
}

export function restoreTheme(): void {
  const kept = stored(NAME);
  show(kept === 'light' || kept === 'dark' ? kept : 'system');
}

export const isDark = () => (theme.value === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : theme.value === 'dark');

export function switchTheme(): void {
  const next: Theme = isDark() ? 'light' : 'dark';
  show(next);
  store(NAME, next);
}

/** Browsers may refuse to keep anything; the console works without. */
export function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
export function store(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It is a convenience alone.
  }
}
