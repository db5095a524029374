// Rows of `CastellanCoverage` as the workloads, layers and controls that people look at.
import { dynamic, text, type Row } from './ask';

export const layers = ['posture', 'data', 'identity', 'model'] as const;
export type Layer = (typeof layers)[number];
export const states = ['Contradiction', 'Gap', 'Unknown', 'Partial', 'Overlap', 'Covered'] as const;
export type CoverState = (typeof states)[number];

export const means: Record<CoverState, string> = {
  Covered: 'A control protects this, and there is evidence of it',
  Partial: 'A control is there and does not cover everything',
  Gap: 'Nothing protects this',
  Overlap: 'Two controls do the same: one of them may be needless, or change what the other sees',
  Contradiction: 'What is configured in one place undoes what is demanded in another',
  Unknown: 'It cannot be told from what was collected',
};
export const layerTold: Record<Layer, string> = {
  posture: 'How resources are configured',
  data: 'Labels, findings, and what must not pass',
  identity: 'Who may, and as whom',
  model: 'Filters and guardrails around prompts and answers',
};

export type Control = { layer: Layer; name: string; state: CoverState; reason: string; evidence: unknown; nextStep: string; query: string };
export type Workload = { id: string; name: string; type: string; controls: Control[] };

const isLayer = (name: string): name is Layer => (layers as readonly string[]).includes(name);
const isState = (name: string): name is CoverState => (states as readonly string[]).includes(name);

/** Workloads, the one that needs most first. */
export function workloads(rows: Row[]): Workload[] {
  const all = new Map<string, Workload>();
  for (const row of rows) {
    const layer = text(row['Layer']).toLowerCase();
    if (!isLayer(layer)) continue;
    const id = text(row['WorkloadId']);
    const found = all.get(id) ?? { id, name: text(row['Workload']) || id, type: text(row['WorkloadType']), controls: [] };
    const state = text(row['State']);
    found.controls.push({
      layer, name: text(row['Control']), state: isState(state) ? state : 'Unknown', reason: text(row['Reason']), evidence: dynamic(row['Evidence']), nextStep: text(row['NextStep']), query: text(row['Query']),
    });
    all.set(id, found);
  }
  const badness = (one: Workload) => count(one, 'Contradiction') * 3 + count(one, 'Gap') * 2 + count(one, 'Partial');
  return [...all.values()].sort((a, b) => badness(b) - badness(a) || a.name.localeCompare(b.name));
}

/** Where a workload stands, for those that share a name: what it is a part of. */
export function within(id: string): string {
  const parts = id.split('/').filter(Boolean);
  const kind = parts.findIndex((part) => /^(accounts|workspaces|projects|agentDefinitions|mcpConfigurations)$/i.test(part));
  return kind >= 0 && kind + 2 < parts.length ? parts[kind + 1]! : '';
}

export const count = (one: Workload, state: CoverState, layer?: Layer) => one.controls.filter((control) => control.state === state && (!layer || control.layer === layer)).length;
export const rank = (state: CoverState) => states.indexOf(state);

/** What to do next: contradictions, then gaps, then what is partial; the same step for several workloads once. */
export function steps(all: Workload[]): { text: string; state: CoverState; layer: Layer; workloads: Workload[] }[] {
  const found = new Map<string, { text: string; state: CoverState; layer: Layer; workloads: Workload[] }>();
  for (const workload of all) {
    for (const control of workload.controls) {
      if (!control.nextStep || control.state === 'Covered') continue;
      const key = `${control.state} ${control.nextStep}`;
      const step = found.get(key) ?? { text: control.nextStep, state: control.state, layer: control.layer, workloads: [] };
      if (!step.workloads.includes(workload)) step.workloads.push(workload);
      found.set(key, step);
    }
  }
  return [...found.values()].sort((a, b) => rank(a.state) - rank(b.state) || b.workloads.length - a.workloads.length);
}
