/** Figures and times as they are shown. */

const WHOLE = new Intl.NumberFormat('en');
const FINE = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export const count = (value: number): string => WHOLE.format(value);
export const rate = (value: number): string => FINE.format(value);
export const signed = (value: number): string => (value > 0 ? `+${count(value)}` : count(value));

/** Milliseconds, in the largest unit that fits. */
export function span(ms: number): string {
  const units: [number, string][] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ];
  const [size, unit] = units.find(([least]) => ms >= 2 * least) ?? [1_000, 's'];
  return `${FINE.format(ms / size)} ${unit}`;
}

export const time = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
export const clock = (text: string): string => text.slice(11, 23);
