// Small figures: a line in a number's card, bars with names, a gauge that is a bar.
import type { ComponentChildren } from 'preact';
import { brief } from '../core/ask';

export function Sparkline({ values, color = 'c1' }: { values: number[]; color?: string }) {
  const most = Math.max(1, ...values);
  const [width, height] = [120, 28];
  const points = values.map((value, index) => `${((index / Math.max(1, values.length - 1)) * width).toFixed(1)},${(height - 2 - (value / most) * (height - 4)).toFixed(1)}`);
  if (values.length < 2) return null;
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class={`area ${color}`} d={`M0,${height}L${points.join('L')}L${width},${height}Z`} />
      <polyline class={`line ${color}`} points={points.join(' ')} />
    </svg>
  );
}

/** A part of a whole. */
export function Meter({ value, most, tone, label }: { value: number; most: number; tone: string; label: string }) {
  const share = most > 0 ? Math.max(0, Math.min(1, value / most)) : 0;
  return <div class="meter" role="img" aria-label={label}><i class={tone} style={{ width: `${(share * 100).toFixed(1)}%` }} /></div>;
}

/** Parts of a whole in a row, each wide as it counts. */
export function Parts({ parts, label }: { parts: { name: string; value: number; color: string }[]; label: string }) {
  const total = parts.reduce((sum, part) => sum + part.value, 0);
  return (
    <div class="parts" role="img" aria-label={`${label}: ${parts.map((part) => `${part.name} ${part.value}`).join(', ')}`}>
      {total > 0 && parts.filter((part) => part.value > 0).map((part) => <i key={part.name} class={part.color} style={{ flexGrow: part.value }} />)}
    </div>
  );
}

export function BarList({ bars, unit = '' }: { bars: { name: string; shown: ComponentChildren; value: number; color?: string; note?: string }[]; unit?: string }) {
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  return (
    <ul class="bar-list">
      {bars.map((bar) => (
        <li key={bar.name}>
          <span class="bar-name">{bar.shown}</span>
          <span class="bar-value num">{brief(bar.value)}{unit}</span>
          <span class="bar-track" aria-hidden="true"><i class={bar.color ?? 'c1'} style={{ width: `${((bar.value / most) * 100).toFixed(1)}%` }} /></span>
        </li>
      ))}
    </ul>
  );
}
