/** How the deployment stands and moves: figures, charts, scopes and queues. */
import { drawChart, type Series } from './chart.js';
import { make, number, part, row } from './elements.js';
import { count, rate, signed, span } from './formats.js';
import { ask } from './server.js';
import type { LaneShown, OverviewAnswer, Sample } from './wire.js';

/** Scopes that have a line of their own in the chart. */
const LINES = 6;

export async function showOverview(): Promise<void> {
  const answer = await ask<OverviewAnswer>('overview');
  const { user, version, redis, prefix, board, canLogOut, standing, history } = answer;
  part('where').textContent = `${redis}, prefix ${prefix}`;
  part('user').textContent = user;
  part('version').textContent = `redis-tokens ${version}`;
  part('board').hidden = !board;
  part('log-out').hidden = !canLogOut;
  if (!standing) throw new Error('Redis does not answer.');
  showFigures(standing, history);
  showScopes(standing.scopes, history);
  showLanes(standing.queues);
  showMovement(history);
}

type Standing = NonNullable<OverviewAnswer['standing']>;

function showFigures({ live, complete, queues, sweepLag }: Standing, history: Sample[]): void {
  const oldest = Math.max(0, ...queues.map((lane) => lane.oldest ?? 0));
  const figures: [string, string][] = [
    ['live tokens', `${count(live)}${complete ? '' : '+'}`],
    ['events a second', rate(rates(history, 'events').at(-1) ?? 0)],
    ['commands a second here', rate(rates(history, 'commands').at(-1) ?? 0)],
    ['jobs waiting', count(sum(queues, 'waiting'))],
    ['the oldest waits', oldest === 0 ? '–' : span(oldest)],
    ['dead letters', count(sum(queues, 'failed'))],
    ['the sweep is behind', sweepLag < 1_000 ? '–' : span(sweepLag)],
  ];
  part('figures').replaceChildren(
    ...figures.map(([name, value]) => make('div', [make('dt', [name]), make('dd', [value])])),
  );
}

const sum = (lanes: LaneShown[], name: 'waiting' | 'failed'): number =>
  lanes.reduce((all, lane) => all + lane[name], 0);

function showScopes(scopes: Standing['scopes'], history: Sample[]): void {
  const first = history[0];
  part('scopes').replaceChildren(
    ...scopes.slice(0, 100).map(({ app, type, live }) => {
      const before = first && (liveOf(first, app, type) ?? 0);
      return row([app, type, number(count(live)), number(before === undefined ? '' : signed(live - before))]);
    }),
  );
  const at = history.map((sample) => sample.at);
  const lines = scopes.slice(0, LINES).map(
    ({ app, type }): Series => ({
      name: `${app} ${type}`,
      values: history.map((sample) => liveOf(sample, app, type)),
    }),
  );
  drawChart(part('live-chart'), 'By scope', at, lines);
}

const liveOf = (sample: Sample, app: string, type: string): number | undefined =>
  sample.scopes.find((scope) => scope.app === app && scope.type === type)?.live;

function showLanes(lanes: LaneShown[]): void {
  part('lanes').replaceChildren(
    ...lanes.map(({ lane, paused, workers, waiting, oldest, active, delayed, failed }) => {
      const state = paused ? 'paused' : workers > 0 ? 'running' : 'no worker';
      return row([
        lane,
        { class: state === 'running' ? '' : 'bad', content: state },
        number(count(workers)),
        number(count(waiting)),
        number(oldest === undefined ? '–' : span(oldest)),
        number(count(active)),
        number(count(delayed)),
        { class: failed > 0 ? 'number bad' : 'number', content: count(failed) },
      ]);
    }),
  );
}

function showMovement(history: Sample[]): void {
  const later = history.slice(1).map(({ at }) => at);
  drawChart(part('rate-chart'), 'A second', later, [
    { name: 'events', values: rates(history, 'events') },
    { name: 'commands here', values: rates(history, 'commands') },
  ]);
  const all = history.map(({ at }) => at);
  drawChart(part('depth-chart'), 'Jobs', all, [
    { name: 'waiting', values: history.map(({ waiting }) => waiting) },
  ]);
}

/** By how much a counter has risen a second, between each sample and the one before. One that began anew has not fallen. */
function rates(history: Sample[], counter: 'events' | 'commands'): number[] {
  return history.slice(1).map((sample, i) => {
    const before = history[i] as Sample;
    return (Math.max(0, sample[counter] - before[counter]) * 1_000) / Math.max(1, sample.at - before.at);
  });
}
