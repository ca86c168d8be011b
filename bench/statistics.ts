/** What a list of measurements says; all in the unit that went in. */
export interface Summary {
  readonly count: number
  readonly min: number
  readonly median: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** Summary of at least one measurement. */
export function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  return {
    count: sorted.length,
    min: sorted[0] ?? Number.NaN,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) ?? Number.NaN,
  }
}

/** Middle of the ratios of pairs that were measured one after the other, with the least and the greatest. */
export function ratios(
  ours: readonly number[],
  theirs: readonly number[],
): { readonly median: number; readonly min: number; readonly max: number; readonly pairs: number } {
  const each = ours
    .slice(0, theirs.length)
    .map((value, index) => value / (theirs[index] ?? Number.NaN))
    .sort((a, b) => a - b)
  return {
    median: quantile(each, 0.5),
    min: each[0] ?? Number.NaN,
    max: each.at(-1) ?? Number.NaN,
    pairs: each.length,
  }
}

/** Nearest rank: a value that was measured, not one in between (but for the median of an even number). */
function quantile(sorted: readonly number[], share: number): number {
  if (share === 0.5 && sorted.length % 2 === 0) {
    const half = sorted.length / 2
    return ((sorted[half - 1] ?? Number.NaN) + (sorted[half] ?? Number.NaN)) / 2
  }
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
