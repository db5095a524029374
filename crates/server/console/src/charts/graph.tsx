// A graph as SVG: things are buttons, in columns; arrows say who uses whom. Its table says the same in words.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { visible } from '../core/inert';
import { layOut, NODE, type Edge, type Node, type Placed } from './layout';

const FITS = 31;
const cut = (text: string, most = FITS) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

export function Graph({ label, nodes, edges, selected, path, onSelect }: { label: string; nodes: Node[]; edges: Edge[]; selected?: string; path?: Edge[]; onSelect?: (id: string) => void }) {
  const layout = useMemo(() => layOut(nodes, edges), [nodes, edges]);
  const [zoom, setZoom] = useState(1);
  const box = useRef<HTMLDivElement>(null);
  const onPath = new Set(path?.flatMap((edge) => [edge.from, edge.to]));
  const isNear = (id: string) => !selected || id === selected || layout.edges.some((edge) => (edge.from === selected && edge.to === id) || (edge.to === selected && edge.from === id));
  const isBright = (id: string) => (path?.length ? onPath.has(id) : isNear(id));
  const isBrightEdge = (edge: Edge) => (path?.length ? path.includes(edge) : !selected || edge.from === selected || edge.to === selected);

  useEffect(() => {
    const element = box.current;
    if (element && layout.width) setZoom(Math.max(0.55, Math.min(1, (element.clientWidth - 8) / layout.width)));
  }, [layout]);

  const ids = [...layout.nodes.keys()];
  const focusOn = selected && layout.nodes.has(selected) ? selected : ids[0];
  const key = (event: KeyboardEvent, from: Placed) => {
    const next = neighbour([...layout.nodes.values()], from, event.key);
    if (!next) return;
    event.preventDefault();
    box.current?.querySelector<SVGGElement>(`[data-node="${CSS.escape(next.id)}"]`)?.focus();
  };

  return (
    <div class="graph">
      <div class="graph-tools"><button type="button" class="button quiet" onClick={() => setZoom(Math.min(1.6, zoom * 1.2))} aria-label="Larger">+</button><button type="button" class="button quiet" onClick={() => setZoom(Math.max(0.3, zoom / 1.2))} aria-label="Smaller">−</button></div>
      <div class="graph-scroll" ref={box} tabIndex={0} role="region" aria-label={label}>
        <svg viewBox={`0 0 ${layout.width} ${layout.height}`} width={layout.width * zoom} height={layout.height * zoom} role="group" aria-label={`${label}: ${layout.nodes.size} things, ${layout.edges.length} relations`}>
          <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="arrow" d="M0 .8L7 4 0 7.2z" /></marker></defs>
          {layout.edges.map((edge, index) => <Arrow key={index} edge={edge} from={layout.nodes.get(edge.from)!} to={layout.nodes.get(edge.to)!} isBright={isBrightEdge(edge)} isPath={!!path?.includes(edge)} />)}
          {[...layout.nodes.values()].map((node) => (
            <g key={node.id} class={`node ${node.tone ?? ''} ${isBright(node.id) ? '' : 'faded'} ${node.id === selected || onPath.has(node.id) ? 'chosen' : ''}`} transform={`translate(${node.x} ${node.y})`} role="button" tabIndex={node.id === focusOn ? 0 : -1}
              aria-label={told(node)} aria-pressed={node.id === selected} data-node={node.id} onClick={() => onSelect?.(node.id)}
              onKeyDown={(event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); onSelect?.(node.id); } else key(event, node); }}>
              <rect width={NODE.width} height={NODE.height} rx={7} />
              <text class="node-kind" x={10} y={15}>{cut(visible(node.kind), 28)}</text>{' '}
              <text class="node-label" x={10} y={30}>{cut(visible(node.label.slice(0, 80)))}</text>
            </g>
          ))}
        </svg>
      </div>
    </div>
  );
}

/** What is written on it, then what did not fit. */
function told(node: Placed): string {
  const label = visible(node.label.slice(0, 80));
  return [`${cut(visible(node.kind), 28)} ${cut(label)}`, cut(label) === label ? '' : visible(node.label.slice(0, 200)), node.note ?? ''].filter(Boolean).join(', ');
}

function neighbour(all: Placed[], from: Placed, key: string): Placed | undefined {
  const beyond: Record<string, (node: Placed) => boolean> = {
    ArrowDown: (node) => node.x === from.x && node.y > from.y, ArrowUp: (node) => node.x === from.x && node.y < from.y, ArrowRight: (node) => node.x > from.x, ArrowLeft: (node) => node.x < from.x,
  };
  const fits = beyond[key];
  const distance = (node: Placed) => Math.hypot((node.x - from.x) * 2, node.y - from.y);
  return fits && all.filter(fits).sort((a, b) => distance(a) - distance(b))[0];
}

function Arrow({ edge, from, to, isBright, isPath }: { edge: Edge; from: Placed; to: Placed; isBright: boolean; isPath: boolean }) {
  const isForward = to.x > from.x;
  const isSame = to.x === from.x;
  const [x1, y1] = [from.x + (isForward || isSame ? NODE.width : 0), from.y + NODE.height / 2];
  const [x2, y2] = [to.x + (isForward ? -3 : NODE.width + 3), to.y + NODE.height / 2];
  const bend = isSame ? 50 : Math.max(30, Math.abs(x2 - x1) / 2) * (isForward ? 1 : -1);
  const d = `M${x1} ${y1}C${x1 + bend} ${y1} ${isSame ? x2 + bend : x2 - bend} ${y2} ${x2} ${y2}`;
  return (
    <g class={`edge ${isBright ? '' : 'faded'} ${isPath ? 'on-path' : ''}`}>
      <path d={d} marker-end="url(#arrow)"><title>{visible(`${edge.label ?? 'leads to'}${edge.count ? ` (${edge.count})` : ''}`)}</title></path>
      {isPath && edge.label && <text class="edge-label" x={(x1 + x2) / 2} y={(y1 + y2) / 2 - 5} text-anchor="middle">{cut(visible(edge.label), 22)}</text>}
    </g>
  );
}
