// Times and time ranges.
import { route, set } from './route';

export const ranges: Record<string, { label: string; seconds: number }> = {
  '1h': { label: 'Last hour', seconds: 3600 },
  '4h': { label: 'Last 4 hours', seconds: 4 * 3600 },
  '24h': { label: 'Last 24 hours', seconds: 86_400 },
  '3d': { label: 'Last 3 days', seconds: 3 * 86_400 },
  '7d': { label: 'Last 7 days', seconds: 7 * 86_400 },
  '30d': { label: 'Last 30 days', seconds: 30 * 86_400 },
};
const usual = '7d';

export type Range = { name: string; label: string; from: Date; to: Date; seconds: number };

const day = (text: string | undefined) => {
  const time = text ? new Date(text) : undefined;
  return time && !Number.isNaN(time.getTime()) ? time : undefined;
};

/** The range that the address names, as it is at this moment. */
export function range(): Range {
  const { params } = route.value;
  const from = day(params['from']);
  const to = day(params['to']) ?? new Date();
  if (from && from < to) {
    return { name: 'custom', label: `${short(from)} – ${short(to)}`, from, to, seconds: (to.getTime() - from.getTime()) / 1000 };
  }
  const name = params['range'] && ranges[params['range']] ? params['range'] : usual;
  const { label, seconds } = ranges[name]!;
  const now = new Date();
  return { name, label, from: new Date(now.getTime() - seconds * 1000), to: now, seconds };
}

export const setRange = (name: string) => set({ range: name === usual ? undefined : name, from: undefined, to: undefined }, 'push');

/** A width of bins that gives some fifty of them, as KQL writes it. */
export function bin(seconds: number): string {
  const steps: [number, string][] = [
    [60, '1m'], [300, '5m'], [900, '15m'], [1800, '30m'], [3600, '1h'], [10_800, '3h'], [21_600, '6h'], [43_200, '12h'], [86_400, '1d'],
  ];
  return (steps.find(([step]) => seconds / step <= 60) ?? steps[steps.length - 1]!)[1];
}

const units: Record<string, number> = { m: 60, h: 3600, d: 86_400 };
export const binSeconds = (text: string) => parseInt(text, 10) * (units[text.slice(-1)] ?? 60);

const two = (n: number) => String(n).padStart(2, '0');
export const short = (time: Date) => `${time.toLocaleDateString(undefined, { month: 'short', day: 'numeric' })} ${two(time.getHours())}:${two(time.getMinutes())}`;
export const clock = (time: Date) => `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
export const full = (time: Date) => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock(time)}`;

/** How long ago, in one unit. */
export function ago(time: Date, now = Date.now()): string {
  const seconds = Math.round((now - time.getTime()) / 1000);
  const ahead = seconds < 0;
  const text = span(Math.abs(seconds));
  if (Math.abs(seconds) < 5) return 'now';
  return ahead ? `in ${text}` : `${text} ago`;
}

export function span(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
