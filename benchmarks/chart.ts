export const chartOf = (_: unknown): string => '';
