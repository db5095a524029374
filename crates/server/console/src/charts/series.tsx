// Lines, areas and stacked bars over time or over names, drawn as SVG, with a table of the same numbers.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { brief, count } from '../core/ask';
import { visible } from '../core/inert';
import { ticks, type Series } from './scale';

export type SeriesProps = {
  label: string;
  kind: 'bars' | 'lines' | 'area';
  /** What stands across: a name for each value. */
  across: string[];
  series: Series[];
  height?: number;
  unit?: string;
  isStacked?: boolean;
  onChoose?: (index: number) => void;
};

const LEFT = 44;
const BOTTOM = 20;
const TOP = 8;

export function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current!;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}

export function SeriesChart(props: SeriesProps) {
  const { label, across, series, height = 190, unit = '' } = props;
  const [box, width] = useWidth();
  const [at, setAt] = useState<number | undefined>(undefined);
  const isStacked = props.isStacked ?? props.kind !== 'lines';
  const sums = across.map((_, index) => series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0));
  const most = isStacked ? Math.max(0, ...sums) : Math.max(0, ...series.flatMap((one) => one.values));
  const marks = ticks(most);
  const top = marks[marks.length - 1]!;
  const inner = { width: Math.max(10, width - LEFT - 6), height: height - TOP - BOTTOM };
  const y = (value: number) => TOP + inner.height - (value / top) * inner.height;
  const step = inner.width / Math.max(1, across.length);
  const x = (index: number) => LEFT + step * (index + 0.5);
  const every = Math.max(1, Math.ceil(across.length / Math.max(1, Math.floor(inner.width / 92))));
  const total = sums.reduce((sum, value) => sum + value, 0);

  return (
    <figure class="chart" ref={box}>
      <div class="legend" aria-hidden="true">{series.length > 1 && series.map((one) => <span key={one.name}><i class={`swatch ${one.color}`} />{visible(one.name)}</span>)}</div>
      <svg width={width || 1} height={height} role="img" aria-label={`${label}: ${count(Math.round(total * 100) / 100)}${unit ? ` ${unit}` : ''} in all. The table below has the numbers.`}
        onMouseMove={(event) => setAt(Math.max(0, Math.min(across.length - 1, Math.floor((event.offsetX - LEFT) / step))))} onMouseLeave={() => setAt(undefined)}
        onClick={() => at !== undefined && props.onChoose?.(at)}>
        {marks.map((mark) => <g key={mark}><line class="rule" x1={LEFT} x2={LEFT + inner.width} y1={y(mark)} y2={y(mark)} /><text class="tick" x={LEFT - 6} y={y(mark) + 3.5} text-anchor="end">{brief(mark)}</text></g>)}
        {across.map((name, index) => index % every === 0 && <text key={index} class="tick" x={x(index)} y={height - 5} text-anchor={index === 0 ? 'start' : x(index) > width - 46 ? 'end' : 'middle'} dx={index === 0 ? -step / 2 : x(index) > width - 46 ? step / 2 : 0}>{visible(name).slice(0, 16)}</text>)}
        {at !== undefined && <rect class="cursor" x={LEFT + step * at} y={TOP} width={step} height={inner.height} />}
        {width > 0 && (props.kind === 'bars' ? <Bars {...{ series, across, x, y, step }} /> : <Lines {...{ series, x, y, isStacked, isArea: props.kind === 'area', base: y(0) }} />)}
      </svg>
      {at !== undefined && <Tip {...{ at, across, series, unit, left: x(at), width }} />}
      <Numbers {...{ label, across, series }} />
    </figure>
  );
}

type Scale = { x: (index: number) => number; y: (value: number) => number };

function Bars({ series, across, x, y, step }: Scale & { series: Series[]; across: string[]; step: number }) {
  const wide = Math.max(1, Math.min(28, step * 0.72));
  return (
    <>
      {across.map((_, index) => {
        let sum = 0;
        return series.map((one) => {
          const value = one.values[index] ?? 0;
          if (value <= 0) return null;
          const low = y(sum);
          sum += value;
          const high = y(sum);
          return <rect key={`${index}-${one.name}`} class={`bar ${one.color}`} x={x(index) - wide / 2} y={high} width={wide} height={Math.max(0.6, low - high)} />;
        });
      })}
    </>
  );
}

function Lines({ series, x, y, isStacked, isArea, base }: Scale & { series: Series[]; isStacked: boolean; isArea: boolean; base: number }) {
  const below = series[0]?.values.map(() => 0) ?? [];
  return (
    <>
      {series.map((one) => {
        const points = one.values.map((value, index) => {
          const sum = isStacked ? (below[index] = (below[index] ?? 0) + value) : value;
          return `${x(index).toFixed(1)},${y(sum).toFixed(1)}`;
        });
        if (!points.length) return null;
        return (
          <g key={one.name}>
            {isArea && <path class={`area ${one.color}`} d={`M${x(0)},${base}L${points.join('L')}L${x(points.length - 1)},${base}Z`} />}
            <polyline class={`line ${one.color}`} points={points.join(' ')} />
            {points.length === 1 && <circle class={`dot ${one.color}`} cx={x(0)} cy={points[0]!.split(',')[1]} r={3} />}
          </g>
        );
      })}
    </>
  );
}

function Tip({ at, across, series, unit, left, width }: { at: number; across: string[]; series: Series[]; unit: string; left: number; width: number }) {
  const isRight = left > width / 2;
  return (
    <div class="tip" aria-hidden="true" style={isRight ? { right: `${width - left + 12}px` } : { left: `${left + 12}px` }}>
      <b>{visible(across[at] ?? '')}</b>
      {series.map((one) => <span key={one.name}><i class={`swatch ${one.color}`} />{visible(one.name)}<em>{brief(one.values[at] ?? 0)} {unit}</em></span>)}
    </div>
  );
}

const ROWS = 500;
function Numbers({ label, across, series }: { label: string; across: string[]; series: Series[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="numbers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Table<span class="hidden"> of {label}</span></summary>
      {isOpen && (
        <div class="numbers-scroll" tabIndex={0} role="region" aria-label={`Numbers of ${label}`}>
          <table>
            <thead><tr><th scope="col">{label}</th>{series.map((one) => <th key={one.name} scope="col">{visible(one.name)}</th>)}</tr></thead>
            <tbody>{across.slice(0, ROWS).map((name, index) => <tr key={index}><th scope="row">{visible(name)}</th>{series.map((one) => <td key={one.name}>{count(one.values[index] ?? 0)}</td>)}</tr>)}</tbody>
          </table>
          {across.length > ROWS && <p class="note">The first {ROWS} of {count(across.length)}; the query has them all.</p>}
        </div>
      )}
    </details>
  );
}
