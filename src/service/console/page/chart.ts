/** A chart of lines over the last hour, as SVG: it takes its colours from the style sheet, in either theme. */
import { make } from './elements.js';
import { count, rate } from './formats.js';

export interface Series {
  name: string;
  /** A value for each time, or nothing where there is none. */
  values: (number | undefined)[];
}

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 600;
const HEIGHT = 100;

/** @param times epoch milliseconds, rising. */
export function drawChart(figure: HTMLElement, title: string, times: number[], series: Series[]): void {
  const top = niceAbove(Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const x = (at: number) => (last === first ? WIDTH : ((at - first) / (last - first)) * WIDTH);
  const y = (value: number) => HEIGHT - (value / top) * HEIGHT;

  const svg = shape('svg', {
    viewBox: `0 -2 ${WIDTH} ${HEIGHT + 4}`,
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': `${title}: ${series.map(({ name, values }) => `${name} ${count(values.at(-1) ?? 0)}`).join(', ')}`,
  });
  for (const level of [0, top / 2, top]) {
    svg.append(
      shape('line', {
        class: 'frame',
        x1: '0',
        x2: String(WIDTH),
        y1: String(y(level)),
        y2: String(y(level)),
      }),
    );
  }
  for (const [i, { values }] of series.entries()) {
    const points = values.flatMap((value, k) =>
      value === undefined ? [] : [`${x(times[k] as number).toFixed(1)},${y(value).toFixed(1)}`],
    );
    if (points.length > 0)
      svg.append(shape('polyline', { class: `series-${i + 1}`, points: points.join(' ') }));
  }
  const keys = series.map(({ name }, i) => make('span', [name], { class: `key series-${i + 1}` }));
  const minutes = Math.round((last - first) / 60_000);
  const scale = `up to ${rate(top)}, ${minutes < 1 ? 'since a moment ago' : `the last ${minutes} min`}`;
  figure.replaceChildren(make('figcaption', [title, ...keys, scale]), svg);
}

function shape(name: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** The least of …, 0.5, 1, 2, 5, 10, 20, 50, … that is not below. */
function niceAbove(value: number): number {
  if (value <= 0) return 1;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * magnitude >= value) ?? 10) * magnitude;
}
