// The chart as SVG: time of one get over the number of tokens, both axes logarithmic. Its colours follow the reader's.
import type { Curves, Point } from './curves.js';

const WIDTH = 760;
const HEIGHT = 440;
/** Where the axes end; to the right the curves' names stand. */
const AREA = { left: 70, right: 570, top: 50, bottom: 380 };
/** Pixels between two names, at least. */
const LABEL_HEIGHT = 17;

/** Of curves in their order: ours first and strongest. Told apart by their names beside them too. */
const COLOURS = ['ours', 'a', 'b', 'c', 'd'];

const STYLE = `
  svg { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; }
  .paper { fill: #ffffff; } .title { fill: #1f2328; font-size: 15px; font-weight: 600; }
  text { fill: #59636e; } .grid { stroke: #d1d9e0; stroke-width: 1; }
  .curve { fill: none; stroke-width: 2; } .curve.ours { stroke-width: 3.5; } .name { font-weight: 600; }
  .ours { stroke: #0969da; } .a { stroke: #57606a; } .b { stroke: #cf222e; } .c { stroke: #9a6700; } .d { stroke: #8250df; }
  circle.ours, .name.ours { fill: #0969da; } circle.a, .name.a { fill: #57606a; } circle.b, .name.b { fill: #cf222e; }
  circle.c, .name.c { fill: #9a6700; } circle.d, .name.d { fill: #8250df; }
  .name { stroke: none; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; } .title { fill: #f0f6fc; } text { fill: #9198a1; } .grid { stroke: #3d444d; }
    .ours { stroke: #4493f8; } .a { stroke: #9198a1; } .b { stroke: #f85149; } .c { stroke: #d29922; } .d { stroke: #ab7df8; }
    circle.ours, .name.ours { fill: #4493f8; } circle.a, .name.a { fill: #9198a1; } circle.b, .name.b { fill: #f85149; }
    circle.c, .name.c { fill: #d29922; } circle.d, .name.d { fill: #ab7df8; }
    .name { stroke: none; }
  }`;

export function chartOf(curves: Curves): string {
  const points = Object.values(curves).flat();
  const x = scale(
    points.map(({ tokens }) => tokens),
    AREA.left,
    AREA.right,
  );
  const y = scale(
    points.map(({ microseconds }) => microseconds),
    AREA.bottom,
    AREA.top,
  );
  const names = apart(
    Object.entries(curves).map(([name, own], index) => {
      const last = own.at(-1) as Point;
      return { name, colour: COLOURS[index] as string, y: y.at(last.microseconds) };
    }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title">
<title id="title">Time of one get against the number of tokens</title>
<style>${STYLE}
</style>
<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="6"/>
<text class="title" x="${AREA.left}" y="28">Time of one get, one in flight (logarithmic)</text>
${y.decades.map((value) => horizontal(y.at(value), time(value))).join('\n')}
${x.decades.map((value) => tick(x.at(value), value.toLocaleString('en'))).join('\n')}
<text x="${(AREA.left + AREA.right) / 2}" y="${AREA.bottom + 45}" text-anchor="middle">tokens in Redis</text>
${Object.values(curves)
  .map((own, index) => curve(own, COLOURS[index] as string, x, y))
  .reverse() // ours on top
  .join('\n')}
${names.map((label) => text(`name ${label.colour}`, AREA.right + 14, label.y + 4, label.name)).join('\n')}
</svg>
`;
}

interface Scale {
  at(value: number): number;
  decades: number[];
}

/** Whole decades around the values. */
function scale(values: number[], from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    decades: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
  };
}

function curve(points: Point[], colour: string, x: Scale, y: Scale): string {
  const places = points.map(({ tokens, microseconds }) => [round(x.at(tokens)), round(y.at(microseconds))]);
  const dots = places.map(([cx, cy]) => `<circle class="${colour}" cx="${cx}" cy="${cy}" r="3"/>`);
  return `<polyline class="curve ${colour}" points="${places.map((place) => place.join(',')).join(' ')}"/>${dots.join('')}`;
}

const horizontal = (y: number, label: string): string =>
  `<line class="grid" x1="${AREA.left}" x2="${AREA.right}" y1="${round(y)}" y2="${round(y)}"/>${text('', AREA.left - 8, y + 4, label, 'end')}`;

const tick = (x: number, label: string): string =>
  `<line class="grid" x1="${round(x)}" x2="${round(x)}" y1="${AREA.bottom}" y2="${AREA.bottom + 6}"/>${text('', x, AREA.bottom + 22, label, 'middle')}`;

const text = (kind: string, x: number, y: number, content: string, anchor = 'start'): string =>
  `<text${kind ? ` class="${kind}"` : ''} x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${content}</text>`;

/** Names that would lie on one another are moved down. */
function apart<T extends { y: number }>(labels: T[]): T[] {
  const placed: T[] = [];
  for (const label of [...labels].sort((a, b) => a.y - b.y)) {
    const above = placed.at(-1);
    placed.push({ ...label, y: above ? Math.max(label.y, above.y + LABEL_HEIGHT) : label.y });
  }
  return placed;
}

function time(microseconds: number): string {
  if (microseconds >= 1e6) return `${microseconds / 1e6} s`;
  return microseconds >= 1e3 ? `${microseconds / 1e3} ms` : `${microseconds} µs`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
