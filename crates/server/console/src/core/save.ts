// Files that are made of what is on the page.
import type { Answer } from './api';
import { text } from './ask';

export function save(name: string, type: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A value of CSV. Spreadsheets run what begins like a formula, so that such text gets an apostrophe before it. */
function value(found: unknown): string {
  const raw = text(found);
  const safe = typeof found === 'string' && /^[=+\-@\t\r]/.test(raw) ? `'${raw}` : raw;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csv = (answer: Answer): string => [answer.columns.map((column) => value(column.name)), ...answer.rows.map((row) => row.map(value))].map((row) => row.join(',')).join('\r\n');
