// What the figures of a Cluster come to for many tokens, as the tables of docs/scaling.md.
import { type Costs, type Node, type Plan, planFor, type Wanted } from './capacity.js';
import { shown } from './table.js';

/** What a primary is to hold and to do at most. */
const NODE: Node = { memory: 24e9, share: 0.5 };

const WANTED: Wanted[] = [
  { tokens: 1e7, getsPerSecond: 1e4, commandsPerSecond: 1e3, subscribers: 2, shards: 16 },
  { tokens: 1e8, getsPerSecond: 1e5, commandsPerSecond: 1e4, subscribers: 5, shards: 64 },
  { tokens: 1e9, getsPerSecond: 1e6, commandsPerSecond: 1e5, subscribers: 10, shards: 256 },
];

const count = (figure: number): string => Math.round(figure).toLocaleString('en');
const gigabytes = (bytes: number): string => `${shown(bytes / 1e9)} GB`;

const ROWS: [name: string, of: (plan: Plan, wanted: Wanted) => string][] = [
  ['gets a second', (_, { getsPerSecond }) => count(getsPerSecond)],
  ['commands a second', (_, { commandsPerSecond }) => count(commandsPerSecond)],
  ['subscribers to all of it', (_, { subscribers }) => count(subscribers)],
  ['`shards`', (_, { shards }) => count(shards)],
  ['memory of the tokens', ({ tokens }) => gigabytes(tokens)],
  ['memory of the logs', ({ logs }) => gigabytes(logs)],
  [`primaries by memory, ${gigabytes(NODE.memory)} each`, ({ byMemory }) => count(byMemory)],
  ["Redis' threads that are busy: gets", ({ busy }) => shown(busy.gets)],
  ['commands', ({ busy }) => shown(busy.commands)],
  ['events, for subscribers', ({ busy }) => shown(busy.subscribers)],
  ['events, on their way to every node', ({ busy }) => shown(busy.passing)],
  [`primaries by time, ${NODE.share * 100} % busy each`, ({ byTime }) => count(byTime)],
  ['**primaries**', ({ byMemory, byTime }) => `**${count(Math.max(byMemory, byTime))}**`],
  ['cores of the applications that read', ({ applications }) => shown(applications)],
  ['cores of the workers', ({ workers }) => shown(workers)],
  ['network of all primaries', ({ network }) => `${shown((network * 8) / 1e9)} Gbit/s`],
];

/** A column for each of the deployments. */
export function planTable(costs: Costs): string {
  const plans = WANTED.map((wanted) => planFor(costs, wanted, NODE));
  const head = ['tokens', ...WANTED.map(({ tokens }) => count(tokens))];
  const rows = ROWS.map(([name, of]) => [name, ...plans.map((plan, i) => of(plan, WANTED[i] as Wanted))]);
  return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
