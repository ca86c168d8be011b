import type { TrialReport } from './trial.js'

/** What many trials injected and found, in one sentence a person can quote. */
export function figures(reports: readonly TrialReport[]): string {
  const sum = (of: (report: TrialReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0)
  const operations: Record<string, number> = {}
  for (const report of reports)
    for (const [key, count] of Object.entries(report.operations))
      operations[key] = (operations[key] ?? 0) + count
  const slowest = Math.max(0, ...reports.map(({ settledMs }) => settledMs))
  return [
    `${sum(({ faults }) => faults)} faults and operations injected in ${reports.length} trials`,
    `${sum(({ loss }) => loss.acknowledged)} acknowledged writes, ${sum(({ loss }) => loss.lost.length)} lost`,
    `${sum(({ loss }) => loss.excused)} gone with an ejected source before a replica had them`,
    `${sum(({ loss }) => loss.unknown)} of unknown fate, ${sum(({ loss }) => loss.impossible.length)} impossible`,
    `slowest to settle ${(slowest / 1000).toFixed(1)} s`,
    `operations ${JSON.stringify(operations)}`,
    `${sum(({ violations }) => violations.length)} violations`,
  ].join('; ')
}

/** All of one trial, for when it went wrong. */
export function story(report: TrialReport): string {
  return [
    `seed ${report.seed}`,
    ...report.events,
    ...report.violations.map((what) => `VIOLATION ${what}`),
  ].join('\n  ')
}
