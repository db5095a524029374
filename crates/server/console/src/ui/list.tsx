// A list of things with columns: only the rows that can be seen are in the page. One row has the focus; arrows and j/k move it.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Icon } from './icons';

export type Column<T> = {
  name: string;
  title: string;
  /** As `grid-template-columns` has it. */
  width: string;
  show: (item: T) => ComponentChildren;
  /** What the column is sorted by; it cannot be sorted where this is absent. */
  by?: (item: T) => string | number;
  isNumber?: boolean;
  /** Not on narrow screens. */
  isWide?: boolean;
};

type Sort = { name: string; isDown: boolean };
export type ListProps<T> = {
  label: string;
  items: T[];
  columns: Column<T>[];
  idOf: (item: T) => string;
  selected?: string;
  onSelect?: (item: T) => void;
  /** `column` or `-column`, as it stands in the address. */
  sort?: string;
  onSort?: (sort: string) => void;
  /** Marks a row. */
  tone?: (item: T) => string | undefined;
  /** What a row says to programs that read pages. */
  name?: (item: T) => string;
};

const ROW = 42;
const NARROW_ROW = 54;
/** A list that is less wide than this shows its main columns alone. */
const WIDE = 700;
const AROUND = 12;

const parse = (sort: string | undefined): Sort | undefined => (sort ? { name: sort.replace(/^-/, ''), isDown: sort.startsWith('-') } : undefined);

function sorted<T>(items: T[], columns: Column<T>[], sort: Sort | undefined): T[] {
  const by = columns.find((column) => column.name === sort?.name)?.by;
  if (!by) return items;
  const keyed = items.map((item, index) => ({ item, index, key: by(item) }));
  const direction = sort!.isDown ? -1 : 1;
  keyed.sort((a, b) => (a.key < b.key ? -direction : a.key > b.key ? direction : a.index - b.index));
  return keyed.map(({ item }) => item);
}

function useNarrow(): boolean {
  const query = useMemo(() => matchMedia('(max-width: 760px)'), []);
  const [isNarrow, set] = useState(query.matches);
  useEffect(() => {
    const change = () => set(query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, []);
  return isNarrow;
}

export function List<T>(props: ListProps<T>) {
  const { label, idOf, selected, onSelect } = props;
  const isNarrow = useNarrow();
  const [isTight, setTight] = useState(isNarrow);
  const columns = useMemo(() => props.columns.filter((column) => !isTight || !column.isWide), [props.columns, isTight]);
  const sort = parse(props.sort);
  const items = useMemo(() => sorted(props.items, props.columns, sort), [props.items, props.columns, props.sort]);
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const [focus, setFocus] = useState(0);
  const wantsFocus = useRef(false);
  const height = isNarrow ? NARROW_ROW : ROW;

  useLayoutEffect(() => {
    const element = scroller.current!;
    const measure = () => {
      setView({ top: element.scrollTop, height: element.clientHeight });
      setTight(element.clientWidth < WIDE);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);

  const at = Math.min(focus, items.length - 1);
  const first = Math.max(0, Math.floor(view.top / height) - AROUND);
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / height) + AROUND);

  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[data-index="${at}"]`);
    if (row) {
      row.focus({ preventScroll: true });
      wantsFocus.current = false;
    }
  });

  const moveTo = (index: number) => {
    const next = Math.max(0, Math.min(items.length - 1, index));
    const element = scroller.current!;
    const head = element.querySelector<HTMLElement>('.list-head')?.offsetHeight ?? 0;
    if (next * height < element.scrollTop) element.scrollTop = next * height;
    if ((next + 1) * height + head > element.scrollTop + element.clientHeight) element.scrollTop = (next + 1) * height + head - element.clientHeight;
    wantsFocus.current = true;
    setFocus(next);
    setView({ top: element.scrollTop, height: element.clientHeight });
    // While something is open beside the list, it follows.
    if (selected !== undefined && items[next] && onSelect) onSelect(items[next]);
  };

  const key = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
    const page = Math.max(1, Math.floor(view.height / height) - 2);
    const steps: Record<string, number> = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: items.length - 1 };
    const next = steps[event.key];
    if (next !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      moveTo(next);
    } else if ((event.key === 'Enter' || event.key === ' ' || event.key === 'o') && event.target === scroller.current?.querySelector(`[data-index="${at}"]`)) {
      event.preventDefault();
      if (items[at]) onSelect?.(items[at]);
    }
  };

  const template = columns.map((column) => column.width).join(' ');
  return (
    <div class="list" ref={scroller} role="grid" aria-label={label} aria-rowcount={items.length + 1} aria-colcount={columns.length} data-list
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })} onKeyDown={key}>
      <div class="list-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
        {columns.map((column) => <Head key={column.name} column={column} sort={sort} onSort={props.onSort} />)}
      </div>
      <div class="list-body" role="rowgroup" style={{ height: `${items.length * height}px` }}>
        {items.slice(first, last).map((item, offset) => {
          const index = first + offset;
          const id = idOf(item);
          return (
            <div key={id} class={`list-row ${props.tone?.(item) ?? ''}`} role="row" data-index={index} aria-rowindex={index + 2} aria-selected={selected === id} tabIndex={index === at ? 0 : -1}
              style={{ gridTemplateColumns: template, transform: `translateY(${index * height}px)`, height: `${height}px` }}
              onFocus={() => setFocus(index)} onClick={() => { setFocus(index); onSelect?.(item); }}>
              {columns.map((column) => <div key={column.name} role="gridcell" class={column.isNumber ? 'cell right' : 'cell'}>{column.show(item)}</div>)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Head<T>({ column, sort, onSort }: { column: Column<T>; sort: Sort | undefined; onSort?: (sort: string) => void }) {
  const isBy = sort?.name === column.name;
  const order = isBy ? (sort.isDown ? 'descending' : 'ascending') : undefined;
  const sorts = column.by && onSort;
  return (
    <div role="columnheader" aria-sort={order} class={column.isNumber ? 'head right' : 'head'}>
      {sorts ? <button type="button" class="sort" onClick={() => onSort(isBy && !sort.isDown ? `-${column.name}` : column.name)}>{column.title}{isBy && <Icon name={sort.isDown ? 'down' : 'up'} />}</button> : column.title}
    </div>
  );
}
