// Which controls of the four layers protect each workload, where something is missing, and what to do next.
import { useMemo } from 'preact/hooks';
import { count, layers, layerTold, means, rank, states, steps, within, workloads, type Control, type CoverState, type Layer, type Workload } from '../core/coverage';
import { coverageIn, coverageOf, queries } from '../core/queries';
import { param, set } from '../core/route';
import { list, type Result } from '../core/ask';
import { visible } from '../core/inert';
import { Card, Choices, Empty, Failed, Kql, Pill, type Tone } from '../ui/basics';
import { Dialog } from '../ui/dialog';
import { Prose, Text } from '../ui/text';

const glyphs: Record<CoverState, string> = { Covered: 'M3.5 8.5l3 3 6-7', Partial: 'M8 3a5 5 0 0 0 0 10z', Gap: 'M4 4l8 8M12 4l-8 8', Overlap: 'M3 6h7v7H3zM6 3h7v7H6z', Contradiction: 'M3 6h10M3 10h10M11 3L5 13', Unknown: 'M6 6.2a2 2 0 1 1 2.8 1.7c-.6.3-.8.7-.8 1.400M8 11.8v.3' };

const tones: Record<CoverState, Tone> = { Covered: 'good', Partial: 'warn', Gap: 'bad', Overlap: 'accent', Contradiction: 'bad', Unknown: 'calm' };

export function StateMark({ of }: { of: CoverState }) {
  return <svg class={`state-mark ${of.toLowerCase()}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><rect width="16" height="16" rx="4" /><path d={glyphs[of]} /></svg>;
}

export function Coverage({ result, reload }: { result: Result; reload: () => void }) {
  const all = useMemo(() => workloads(result.rows), [result]);
  const only = states.find((state) => state === param('state'));
  const chosen = all.find((one) => one.id === param('workload'));
  const shown = only ? all.filter((one) => count(one, only) > 0) : all;
  const total = (state: CoverState) => all.reduce((sum, one) => sum + count(one, state), 0);
  const next = useMemo(() => steps(all).filter((step) => !only || step.state === only), [all, only]);

  return (
    <Card class="coverage" title="Layer coverage" note="Which controls protect each AI workload, where something is missing, and what to do next." kql={queries.coverage} timed={false}>
      {result.problem ? <Failed what="Coverage cannot be shown" problem={result.problem} retry={reload} />
        : !all.length ? <Empty title="No AI workload was found" icon="inventory">Coverage is computed from what was scanned. Name templates, plans, exports or a subscription: <code>castellan up --scan PATH</code>.</Empty>
        : <>
          <Choices label="State of controls" value={only} onChange={(state) => set({ state })}
            options={states.map((state) => ({ name: state, count: total(state), shown: <span class="legend-state" title={means[state]}><StateMark of={state} />{state}</span> }))} />
          <div class="coverage-split">
            <Matrix all={shown} only={only} />
            <Next all={next} only={only} />
          </div>
        </>}
      {chosen && <WorkloadView of={chosen} />}
    </Card>
  );
}

function Matrix({ all, only }: { all: Workload[]; only: CoverState | undefined }) {
  return (
    <div class="matrix-scroll" tabIndex={0} role="region" aria-label="Coverage of each workload">
      <table class="matrix">
        <thead><tr><th scope="col">Workload</th>{layers.map((layer) => <th key={layer} scope="col" title={layerTold[layer]}>{layer}</th>)}</tr></thead>
        <tbody>
          {all.map((one) => (
            <tr key={one.id}>
              <th scope="row"><button type="button" class="workload" onClick={() => set({ workload: one.id }, 'push')}><Text text={one.name} limit={60} /><small><Text text={[one.type, within(one.id) !== one.name && within(one.id)].filter(Boolean).join(' · ')} limit={60} /></small></button></th>
              {layers.map((layer) => <LayerCell key={layer} one={one} layer={layer} only={only} />)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function LayerCell({ one, layer, only }: { one: Workload; layer: Layer; only: CoverState | undefined }) {
  const controls = one.controls.filter((control) => control.layer === layer).sort((a, b) => rank(a.state) - rank(b.state));
  const covered = controls.filter((control) => control.state === 'Covered' || control.state === 'Overlap').length;
  const worst = controls[0]?.state ?? 'Unknown';
  const told = states.filter((state) => count(one, state, layer)).map((state) => `${count(one, state, layer)} ${state.toLowerCase()}`).join(', ');
  return (
    <td class={`layer ${worst.toLowerCase()}`}>
      <button type="button" aria-label={visible(`${controls.length ? `${covered}/${controls.length}` : '–'} covered: ${one.name}, ${layer}: ${told || 'no control'}`)} onClick={() => set({ workload: one.id, layer }, 'push')}>
        <span class="marks">{controls.map((control) => <span key={control.name} class={only && control.state !== only ? 'faded' : ''} title={visible(`${control.name}: ${control.state}`)}><StateMark of={control.state} /></span>)}</span>
        <span class="share num" title="covered, of all controls">{controls.length ? `${covered}/${controls.length}` : '–'}</span>
      </button>
    </td>
  );
}

function Next({ all, only }: { all: ReturnType<typeof steps>; only: CoverState | undefined }) {
  return (
    <section class="next" aria-label="What to do next">
      <h3>What to do next {all.length > 0 && <Kql query={only ? coverageIn(only) : queries.coverage} timed={false} label="next steps" />}</h3>
      {!all.length && <p class="note">Nothing is left to do here.</p>}
      <ol>
        {all.slice(0, 7).map((step) => (
          <li key={step.state + step.text}>
            <StateMark of={step.state} />
            <div>
              <p><Prose text={step.text} limit={220} label="Next step" /></p>
              <p class="note"><span class="layer-name">{step.layer}</span> {step.workloads.slice(0, 2).map((one, index) => <span key={one.id}>{index > 0 && ', '}<button type="button" class="link" onClick={() => set({ workload: one.id, layer: step.layer }, 'push')}><Text text={one.name} limit={40} /></button></span>)}{step.workloads.length > 2 && ` and ${step.workloads.length - 2} more`}</p>
            </div>
          </li>
        ))}
      </ol>
      {all.length > 7 && <p class="note">{all.length - 7} more: choose a state above, or a workload.</p>}
    </section>
  );
}

function WorkloadView({ of }: { of: Workload }) {
  const layer = layers.find((name) => name === param('layer'));
  return (
    <Dialog title={of.name} wide onClose={() => set({ workload: undefined, layer: undefined })} actions={<><Kql query={coverageOf(of.id)} timed={false} label={of.name} /></>}>
      <p class="note"><Text text={of.type} /> · <Text text={of.id} limit={160} label="Id" /></p>
      {[...layers].sort((a, b) => Number(b === layer) - Number(a === layer)).map((name) => {
        const controls = of.controls.filter((control) => control.layer === name).sort((a, b) => rank(a.state) - rank(b.state));
        return (
          <section key={name} class="layer-block">
            <h3><span class="layer-name">{name}</span> <span class="note">{layerTold[name]}</span></h3>
            {controls.length ? <ul class="controls">{controls.map((control) => <ControlView key={control.name} of={control} />)}</ul> : <p class="note">No control is known for this kind of workload.</p>}
          </section>
        );
      })}
    </Dialog>
  );
}

function ControlView({ of }: { of: Control }) {
  const evidence = list(of.evidence);
  return (
    <li>
      <StateMark of={of.state} />
      <div>
        <p class="control-name"><b><Text text={of.name} limit={120} /></b> <Pill title={means[of.state]} tone={tones[of.state]}>{of.state}</Pill>{of.query && <Kql query={of.query} timed={false} label={of.name} />}</p>
        <p><Prose text={of.reason} limit={400} label="Reason" /></p>
        {evidence.length > 0 && <ul class="evidence">{evidence.slice(0, 6).map((one) => <li key={one}><Text text={one} limit={200} label="Evidence" /></li>)}</ul>}
        {of.nextStep && of.state !== 'Covered' && <p class="do"><b>Next:</b> <Prose text={of.nextStep} limit={400} label="Next step" /></p>}
      </div>
    </li>
  );
}
