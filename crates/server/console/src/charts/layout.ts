// Where things of a graph stand: in columns from what uses to what is used, in an order with few crossings.
export type Node = { id: string; kind: string; label: string; note?: string; column?: number; tone?: string };
export type Edge = { from: string; to: string; label?: string; count?: number };
export type Placed = Node & { x: number; y: number };
export type Layout = { nodes: Map<string, Placed>; edges: Edge[]; width: number; height: number };

export const NODE = { width: 204, height: 40 };
const GAP = { x: 84, y: 14 };
const MOST_COLUMNS = 8;

/** The column of each: one beyond the furthest that leads to it. Circles are cut where they close. */
function columns(nodes: Node[], edges: Edge[]): Map<string, number> {
  const next = new Map<string, string[]>();
  const hasBefore = new Set<string>();
  for (const edge of edges) {
    next.set(edge.from, [...(next.get(edge.from) ?? []), edge.to]);
    hasBefore.add(edge.to);
  }
  const depth = new Map<string, number>();
  const onPath = new Set<string>();
  let budget = 200_000;
  const visit = (id: string, at: number) => {
    if (onPath.has(id) || (budget -= 1) < 0 || at >= MOST_COLUMNS) return;
    if ((depth.get(id) ?? -1) >= at) return;
    depth.set(id, at);
    onPath.add(id);
    for (const to of next.get(id) ?? []) visit(to, at + 1);
    onPath.delete(id);
  };
  for (const node of nodes) if (!hasBefore.has(node.id)) visit(node.id, 0);
  for (const node of nodes) if (!depth.has(node.id)) visit(node.id, 0);
  for (const node of nodes) if (node.column !== undefined) depth.set(node.id, node.column);
  return depth;
}

export function layOut(nodes: Node[], edges: Edge[]): Layout {
  const known = new Set(nodes.map((node) => node.id));
  const kept = edges.filter((edge) => known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to);
  const depth = columns(nodes, kept);
  const byColumn: Node[][] = [];
  for (const node of nodes) (byColumn[depth.get(node.id) ?? 0] ??= []).push(node);
  const filled = byColumn.filter(Boolean);
  for (const column of filled) column.sort((a, b) => a.kind.localeCompare(b.kind) || a.label.localeCompare(b.label));

  const neighbours = new Map<string, string[]>();
  for (const { from, to } of kept) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  const place = new Map<string, number>();
  const number = () => filled.forEach((column) => column.forEach((node, index) => place.set(node.id, (index + 0.5) / column.length)));
  number();
  for (let round = 0; round < 8; round += 1) {
    for (const column of round % 2 ? filled.toReversed() : filled) {
      const middle = new Map(column.map((node) => {
        const near = neighbours.get(node.id) ?? [];
        return [node.id, near.length ? near.reduce((sum, id) => sum + (place.get(id) ?? 0), 0) / near.length : place.get(node.id)!];
      }));
      column.sort((a, b) => middle.get(a.id)! - middle.get(b.id)!);
      column.forEach((node, index) => place.set(node.id, (index + 0.5) / column.length));
    }
  }

  const tallest = Math.max(1, ...filled.map((column) => column.length));
  const height = tallest * (NODE.height + GAP.y) + GAP.y;
  const placed = new Map<string, Placed>();
  filled.forEach((column, across) => {
    const step = height / column.length;
    column.forEach((node, index) => placed.set(node.id, { ...node, x: 8 + across * (NODE.width + GAP.x), y: step * (index + 0.5) - NODE.height / 2 }));
  });
  return { nodes: placed, edges: kept, width: 16 + filled.length * (NODE.width + GAP.x) - GAP.x, height };
}

/** The shortest way from one to another along arrows, or against them where there is no other. */
export function way(edges: Edge[], from: string, to: string): { edges: Edge[]; isAgainst: boolean } | undefined {
  return search(edges, from, to, false) ?? search(edges, from, to, true);
}

function search(edges: Edge[], from: string, to: string, isAgainst: boolean): { edges: Edge[]; isAgainst: boolean } | undefined {
  const next = new Map<string, { id: string; edge: Edge }[]>();
  const add = (id: string, step: { id: string; edge: Edge }) => next.set(id, [...(next.get(id) ?? []), step]);
  for (const edge of edges) {
    add(edge.from, { id: edge.to, edge });
    if (isAgainst) add(edge.to, { id: edge.from, edge });
  }
  const came = new Map<string, { id: string; edge: Edge } | undefined>([[from, undefined]]);
  const queue = [from];
  for (let at = 0; at < queue.length && !came.has(to); at += 1) {
    for (const step of next.get(queue[at]!) ?? []) {
      if (came.has(step.id)) continue;
      came.set(step.id, { id: queue[at]!, edge: step.edge });
      queue.push(step.id);
    }
  }
  if (!came.has(to) || from === to) return undefined;
  const found: Edge[] = [];
  for (let id = to; came.get(id); id = came.get(id)!.id) found.unshift(came.get(id)!.edge);
  return { edges: found, isAgainst };
}

/** What is at most so many steps away, in both directions. */
export function around(edges: Edge[], start: string, steps: number): Set<string> {
  let found = new Set([start]);
  for (let step = 0; step < steps; step += 1) {
    const more = new Set(found);
    for (const { from, to } of edges) {
      if (found.has(from)) more.add(to);
      if (found.has(to)) more.add(from);
    }
    found = more;
  }
  return found;
}
