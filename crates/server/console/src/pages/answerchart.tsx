// Answers as `render` wants them drawn.
import { useMemo } from 'preact/hooks';
import type { Answer } from '../core/api';
import { brief, count, number, text } from '../core/ask';
import { visible } from '../core/inert';
import { actionColors, severityColors } from '../core/series';
import { short } from '../core/time';
import { colorOf, ticks, type Series } from '../charts/scale';
import { SeriesChart, useWidth } from '../charts/series';
import { BarList } from '../charts/small';
import { Text } from '../ui/text';

const MOST_SERIES = 8;
/** Actions and severities have the colours that they have everywhere. */
const known: Record<string, string> = { ...actionColors, ...severityColors };
const MOST_POINTS = 2000;
const numeric = ['int', 'long', 'real', 'decimal'];

type Shape = { x: number; y: number[]; by: number[] };

function shape(answer: Answer): Shape | undefined {
  const { columns, chart } = answer;
  const index = (name: string | undefined) => columns.findIndex((column) => column.name === name);
  const wanted = chart?.y.map(index).filter((at) => at >= 0) ?? [];
  const guessed = columns.map((column, at) => (numeric.includes(column.type) ? at : -1)).filter((at) => at >= 0);
  const y = wanted.length ? wanted : guessed;
  if (!y.length) return undefined;
  const x = index(chart?.x) >= 0 ? index(chart?.x) : Math.max(0, columns.findIndex((column, at) => !y.includes(at) && column.type === 'datetime') === -1 ? columns.findIndex((_, at) => !y.includes(at)) : columns.findIndex((column) => column.type === 'datetime'));
  const by = chart?.series.map(index).filter((at) => at >= 0) ?? columns.map((_, at) => at).filter((at) => at !== x && !y.includes(at) && columns[at]!.type === 'string').slice(0, 1);
  return { x, y: y.filter((at) => at !== x), by: by.filter((at) => at !== x) };
}

export const canDraw = (answer: Answer): boolean => answer.rows.length > 0 && (shape(answer)?.y.length ?? 0) > 0 && answer.chart?.kind !== 'table';

const kinds: Record<string, 'bars' | 'lines' | 'area'> = { timechart: 'lines', linechart: 'lines', areachart: 'area', stackedareachart: 'area', barchart: 'bars', columnchart: 'bars', piechart: 'bars' };

export function AnswerChart({ answer }: { answer: Answer }) {
  const kind = answer.chart?.kind ?? 'columnchart';
  const form = shape(answer)!;
  const title = answer.chart?.title || 'Chart';
  const { across, series, left } = useMemo(() => gather(answer, form), [answer]);
  if (kind === 'card') return <div class="cards">{form.y.map((at) => <div class="figure" key={at}><p class="figure-title"><Text text={answer.columns[at]!.name} /></p><p class="figure-value"><b class="num">{brief(number(answer.rows[0]?.[at]))}</b></p></div>)}</div>;
  if (kind === 'scatterchart') return <Scatter answer={answer} form={form} label={title} />;
  // Parts of a whole and names across are read best as bars with names.
  const isTime = answer.columns[form.x]?.type === 'datetime';
  if ((kind === 'piechart' || kind === 'barchart') && !isTime && series.length === 1) return <div class="chart-box"><BarList bars={across.slice(0, 60).map((name, index) => ({ name: `${index} ${name}`, shown: <Text text={name || '(empty)'} limit={80} />, value: series[0]!.values[index] ?? 0 }))} />{across.length > 60 && <p class="note">60 of {count(across.length)} bars; the grid has them all.</p>}</div>;
  return (
    <div class="chart-box">
      {answer.chart?.title && <h3><Text text={answer.chart.title} limit={120} /></h3>}
      <SeriesChart label={title} kind={kinds[kind] ?? 'bars'} across={across} series={series} height={320} />
      {left > 0 && <p class="note">{left} more series are not drawn; the grid has them.</p>}
    </div>
  );
}

function gather(answer: Answer, { x, y, by }: Shape): { across: string[]; series: Series[]; left: number } {
  const isTime = answer.columns[x]?.type === 'datetime';
  const places = new Map<string, number>();
  const rows = isTime ? [...answer.rows].sort((a, b) => (text(a[x]) < text(b[x]) ? -1 : 1)) : answer.rows;
  for (const row of rows) if (places.size < MOST_POINTS && !places.has(text(row[x]))) places.set(text(row[x]), places.size);
  const all = new Map<string, number[]>();
  for (const row of rows) {
    const place = places.get(text(row[x]));
    if (place === undefined) continue;
    for (const column of y) {
      const group = by.map((at) => text(row[at])).join(', ');
      const name = group ? (y.length > 1 ? `${group}: ${answer.columns[column]!.name}` : group) : answer.columns[column]!.name;
      const values = all.get(name) ?? new Array<number>(places.size).fill(0);
      values[place] = (values[place] ?? 0) + number(row[column]);
      all.set(name, values);
    }
  }
  const sum = (values: number[]) => values.reduce((total, value) => total + Math.abs(value), 0);
  const sorted = [...all].sort((a, b) => sum(b[1]) - sum(a[1]));
  const series = sorted.slice(0, MOST_SERIES).map(([name, values], index) => ({ name, values, color: known[name] ?? colorOf(index) }));
  return { across: [...places.keys()].map((name) => (isTime ? short(new Date(name)) : name)), series, left: Math.max(0, sorted.length - MOST_SERIES) };
}

function Scatter({ answer, form, label }: { answer: Answer; form: Shape; label: string }) {
  const [box, width] = useWidth();
  const height = 320;
  const isTime = answer.columns[form.x]?.type === 'datetime';
  const xs = answer.rows.slice(0, 5000).map((row) => (isTime ? new Date(text(row[form.x])).getTime() : number(row[form.x])));
  const ys = answer.rows.slice(0, 5000).map((row) => number(row[form.y[0]!]));
  const marks = ticks(Math.max(0, ...ys));
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const x = (value: number) => 46 + ((value - low) / Math.max(1e-9, high - low)) * Math.max(10, width - 60);
  const y = (value: number) => height - 24 - (value / marks[marks.length - 1]!) * (height - 36);
  return (
    <figure class="chart chart-box" ref={box}>
      <svg width={width || 1} height={height} role="img" aria-label={visible(`${label}: ${count(xs.length)} points; the grid has the numbers.`)}>
        {marks.map((mark) => <g key={mark}><line class="rule" x1={46} x2={width - 10} y1={y(mark)} y2={y(mark)} /><text class="tick" x={40} y={y(mark) + 3.5} text-anchor="end">{brief(mark)}</text></g>)}
        {xs.map((value, index) => <circle key={index} class="point c1" cx={x(value)} cy={y(ys[index]!)} r={3} />)}
        <text class="tick" x={46} y={height - 6}>{isTime ? short(new Date(low)) : brief(low)}</text><text class="tick" x={width - 10} y={height - 6} text-anchor="end">{isTime ? short(new Date(high)) : brief(high)}</text>
      </svg>
    </figure>
  );
}
