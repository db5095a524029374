// What charts count with.
/** Round numbers from zero to at least `most`, some four of them. */
export function ticks(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const raw = most / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw) ?? raw;
  const whole = most <= 4 && Number.isInteger(most) ? 1 : step;
  const all: number[] = [];
  for (let value = 0; value < most + whole * 0.999; value += whole) all.push(Number(value.toPrecision(12)));
  return all;
}

export type Series = { name: string; color: string; values: number[] };

/** Colours of series in their order; every one is told apart from its neighbours in light, dark and without colour by its place in the legend. */
export const palette = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8'];
export const colorOf = (index: number) => palette[index % palette.length]!;
