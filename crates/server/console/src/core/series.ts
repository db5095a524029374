// Rows of a query over time as series of a chart: every bin is there, also where nothing happened.
import { number, text, type Row } from './ask';
import { binSeconds, short, type Range } from './time';
import type { Series } from '../charts/scale';

export function timeSeries(rows: Row[], at: Range, bin: string, by: string | undefined, values: string[], colors: Record<string, string>, order: string[]): { across: string[]; series: Series[]; starts: Date[] } {
  const step = binSeconds(bin) * 1000;
  const first = Math.floor(at.from.getTime() / step) * step;
  const length = Math.min(2000, Math.floor((at.to.getTime() - first) / step) + 1);
  const starts = Array.from({ length }, (_, index) => new Date(first + index * step));
  const all = new Map<string, number[]>();
  for (const row of rows) {
    const index = Math.round((new Date(text(row['TimeGenerated'])).getTime() - first) / step);
    if (index < 0 || index >= length || Number.isNaN(index)) continue;
    for (const value of values) {
      const name = by ? text(row[by]) || 'none' : value;
      const series = all.get(name) ?? new Array<number>(length).fill(0);
      series[index]! += number(row[value]);
      all.set(name, series);
    }
  }
  const names = [...all.keys()].sort((a, b) => place(order, a) - place(order, b));
  return { across: starts.map(short), starts, series: names.map((name) => ({ name, color: colors[name] ?? 'c1', values: all.get(name)! })) };
}

const place = (order: string[], name: string) => (order.indexOf(name) + order.length + 1) % (order.length + 1);

export const actionColors: Record<string, string> = { allow: 'calm', annotate: 'c1', redact: 'warn', require_approval: 'c3', block: 'bad' };
export const actionOrder = ['allow', 'annotate', 'redact', 'require_approval', 'block'];
export const severityColors: Record<string, string> = { Informational: 'calm', Low: 'c1', Medium: 'warn', High: 'bad' };
export const severityOrder = ['Informational', 'Low', 'Medium', 'High'];
