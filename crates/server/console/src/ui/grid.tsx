// The grid of answers: half a million rows of any width. Only the cells that can be seen are in the page, at places that are computed.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Answer } from '../core/api';
import { text } from '../core/ask';
import { visible } from '../core/inert';
import { copy } from './basics';
import { Icon } from './icons';
import { Cell } from './text';

const ROW = 28;
const HEAD = 30;
const AROUND = 8;
/** Browsers cannot show taller things than some 33 million pixels. */
const TALLEST = 30_000_000;

type Sort = { column: number; isDown: boolean };
type Place = { row: number; column: number };

/** Widths from names and the first values. */
function widths(answer: Answer): number[] {
  return answer.columns.map((column, index) => {
    let longest = column.name.length + 3;
    for (let row = 0; row < Math.min(60, answer.rows.length); row += 1) longest = Math.max(longest, Math.min(64, text(answer.rows[row]![index]).length));
    return column.type === 'datetime' ? 190 : Math.max(70, Math.min(430, Math.round(longest * 6.9 + 22)));
  });
}

function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [text(a), text(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function order(answer: Answer, sort: Sort | undefined): number[] {
  const all = Array.from(answer.rows, (_, index) => index);
  if (!sort) return all;
  const direction = sort.isDown ? -1 : 1;
  return all.sort((a, b) => direction * compare(answer.rows[a]![sort.column], answer.rows[b]![sort.column]) || a - b);
}

const isRight = (type: string) => ['int', 'long', 'real', 'decimal'].includes(type);

export function Grid({ answer, onOpen, opened }: { answer: Answer; onOpen: (row: number) => void; opened?: number }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, left: 0, width: 1200, height: 600 });
  const [sort, setSort] = useState<Sort | undefined>(undefined);
  const [place, setPlace] = useState<Place>({ row: 0, column: 0 });
  const wantsFocus = useRef(false);
  const wide = useMemo(() => widths(answer), [answer]);
  const lefts = useMemo(() => wide.map((_, index) => wide.slice(0, index).reduce((sum, width) => sum + width, 0)), [wide]);
  const total = wide.reduce((sum, width) => sum + width, 0);
  const rows = useMemo(() => order(answer, sort), [answer, sort]);

  useEffect(() => {
    setSort(undefined);
    setPlace({ row: 0, column: 0 });
    if (scroller.current) scroller.current.scrollTop = 0;
  }, [answer]);

  useLayoutEffect(() => {
    const element = scroller.current!;
    const observer = new ResizeObserver(() => look(element));
    observer.observe(element);
    look(element);
    return () => observer.disconnect();
  }, []);
  const look = (element: HTMLElement) => setView({ top: element.scrollTop, left: element.scrollLeft, width: element.clientWidth, height: element.clientHeight });

  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    const cell = scroller.current?.querySelector<HTMLElement>('[data-current]');
    if (cell) {
      cell.focus({ preventScroll: true });
      wantsFocus.current = false;
    }
  });

  const moveTo = (next: Place) => {
    const row = Math.max(0, Math.min(rows.length - 1, next.row));
    const column = Math.max(0, Math.min(wide.length - 1, next.column));
    const element = scroller.current!;
    const visibleHeight = element.clientHeight - HEAD;
    if (row * ROW < element.scrollTop) element.scrollTop = row * ROW;
    if ((row + 1) * ROW > element.scrollTop + visibleHeight) element.scrollTop = (row + 1) * ROW - visibleHeight;
    if (lefts[column]! < element.scrollLeft) element.scrollLeft = lefts[column]!;
    if (lefts[column]! + wide[column]! > element.scrollLeft + element.clientWidth) element.scrollLeft = lefts[column]! + wide[column]! - element.clientWidth;
    wantsFocus.current = true;
    setPlace({ row, column });
    look(element);
    if (opened !== undefined) onOpen(rows[row]!);
  };

  const key = (event: KeyboardEvent) => {
    const { row, column } = place;
    if ((event.ctrlKey || event.metaKey) && event.key === 'c' && !getSelection()?.toString()) {
      copy(text(answer.rows[rows[row]!]?.[column]), 'The cell is in the clipboard.');
      return;
    }
    const page = Math.max(1, Math.floor(view.height / ROW) - 2);
    const isFar = event.ctrlKey || event.metaKey;
    const steps: Record<string, Place> = {
      ArrowDown: { row: row + 1, column }, j: { row: row + 1, column }, ArrowUp: { row: row - 1, column }, k: { row: row - 1, column },
      ArrowLeft: { row, column: column - 1 }, ArrowRight: { row, column: column + 1 }, PageDown: { row: row + page, column }, PageUp: { row: row - page, column },
      Home: { row: isFar ? 0 : row, column: 0 }, End: { row: isFar ? rows.length - 1 : row, column: wide.length - 1 },
    };
    const next = steps[event.key];
    if (next) {
      event.preventDefault();
      event.stopPropagation();
      moveTo(next);
    } else if (event.key === 'Enter' && rows[row] !== undefined && event.target === scroller.current?.querySelector('[data-current]')) {
      event.preventDefault();
      onOpen(rows[row]);
    }
  };

  const first = Math.max(0, Math.floor(view.top / ROW) - AROUND);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW) + AROUND);
  const seen = wide.map((_, index) => index).filter((index) => lefts[index]! + wide[index]! > view.left - 200 && lefts[index]! < view.left + view.width + 200);
  // The cell that has the focus stays, so that the focus does.
  const columns = seen.includes(place.column) ? seen : [...seen, place.column].sort((a, b) => a - b);
  const height = Math.min(TALLEST, rows.length * ROW);

  return (
    <div class="grid" ref={scroller} role="grid" aria-label="Results" aria-rowcount={rows.length + 1} aria-colcount={answer.columns.length} data-grid
      onScroll={(event) => look(event.currentTarget)} onKeyDown={key}>
      <div class="grid-head" role="row" aria-rowindex={1} style={{ width: `${total}px` }}>
        {columns.map((index) => {
          const column = answer.columns[index];
          if (!column) return null;
          const isBy = sort?.column === index;
          return (
            <div key={index} role="columnheader" aria-colindex={index + 1} aria-sort={isBy ? (sort.isDown ? 'descending' : 'ascending') : undefined} class="grid-th"
              style={{ transform: `translateX(${lefts[index]}px)`, width: `${wide[index]}px` }}>
              <button type="button" tabIndex={-1} title={`${visible(column.name)}: ${column.type}`} onClick={() => setSort(isBy && sort.isDown ? undefined : { column: index, isDown: isBy })}>
                <span>{visible(column.name)}</span>{isBy && <Icon name={sort.isDown ? 'down' : 'up'} />}
              </button>
            </div>
          );
        })}
      </div>
      <div class="grid-body" role="rowgroup" style={{ height: `${height}px`, width: `${total}px` }}>
        {rows.slice(first, last).map((source, offset) => {
          const row = first + offset;
          const values = answer.rows[source]!;
          return (
            <div key={row} role="row" aria-rowindex={row + 2} aria-selected={opened === source} class="grid-row" style={{ transform: `translateY(${row * ROW}px)`, width: `${total}px` }} onDblClick={() => onOpen(source)}>
              {columns.map((index) => {
                const isCurrent = row === place.row && index === place.column;
                const type = answer.columns[index]?.type ?? 'string';
                return (
                  <div key={index} role="gridcell" aria-colindex={index + 1} tabIndex={isCurrent ? 0 : -1} data-current={isCurrent || undefined} class={isRight(type) ? 'grid-td right' : 'grid-td'}
                    style={{ transform: `translateX(${lefts[index]}px)`, width: `${wide[index]}px` }}
                    onClick={() => { setPlace({ row, column: index }); onOpen(source); }} onFocus={() => setPlace({ row, column: index })}>
                    <Cell value={values[index]} type={type} limit={80} />
                  </div>
                );
              })}
            </div>
          );
        })}
      </div>
    </div>
  );
}
