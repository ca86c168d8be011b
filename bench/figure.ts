/** One line of the results: what was measured, beside what, and whether the bar holds. */
export interface Figure {
  readonly name: string
  readonly ours: string
  /** Baseline of the same run; null where there is none to be had. */
  readonly baseline: string | null
  readonly ratio: string | null
  /** What it should be, in words. */
  readonly bar: string
  readonly holds: boolean
  /** Every measurement, so that anybody can compute something else from them. */
  readonly raw: Readonly<Record<string, readonly number[]>>
  /** What should be known beside the figure. */
  readonly notes?: readonly string[]
}

/** One file of `bench/`: it makes what it needs, measures, and leaves nothing behind. */
export interface Bench {
  readonly name: string
  run(progress: (what: string) => void): Promise<readonly Figure[]>
}

/** Milliseconds as people read them. */
export function ms(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return value >= 100 ? `${value.toFixed(0)} ms` : `${value.toFixed(1)} ms`
}

/** A ratio with its spread. */
export function times(ratio: {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly pairs: number
}): string {
  const two = (value: number) => value.toPrecision(2)
  return `${two(ratio.median)} × (${two(ratio.min)} to ${two(ratio.max)}, ${ratio.pairs} pairs)`
}
