// Values of answers, as texts and numbers; and texts as KQL.
export const text = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
export const number = (value: unknown): number => (typeof value === 'number' ? value : Number(value) || 0);
/** A dynamic value, however it came: as JSON, or as the text of it. */
export function dynamic(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
export const list = (value: unknown): string[] => {
  const found = dynamic(value);
  return Array.isArray(found) ? found.map(text) : found ? [text(found)] : [];
};
/** A text as a literal of KQL. */
export const literal = (value: string): string => `"${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t')}"`;
export const count = (n: number): string => n.toLocaleString('en-GB');
export function brief(n: number): string {
  if (Math.abs(n) < 10_000) return count(Math.round(n * 10) / 10);
  if (Math.abs(n) < 1_000_000) return `${(n / 1000).toFixed(n < 100_000 ? 1 : 0)}k`;
  return `${(n / 1_000_000).toFixed(1)}M`;
}
