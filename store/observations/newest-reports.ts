import type { Report } from '../../domain/instance/report.js'
/* Which of an instance's reports is the newest. Agents number theirs from each start on, and the order of starts shows only in what comes. */

/** The greatest number that was stored of one boot of an agent. */
export interface BootSeq {
  readonly instance_id: string
  readonly boot_id: string
  readonly seq: number
}

/** The newest report of each boot, in the order in which they came. */
export function byBoot<R extends Report>(reports: readonly R[]): readonly R[] {
  const newest = new Map<string, R>()
  for (const report of reports) {
    const boot = `${report.instanceId} ${report.bootId}`
    const known = newest.get(boot)
    if (known && known.seq >= report.seq) continue
    // Put behind what came meanwhile.
    newest.delete(boot)
    newest.set(boot, report)
  }
  return [...newest.values()]
}

/** The same in rounds that have one report an instance, each round by id: two that write the same rows wait for each other and never deadlock. */
export function oneAnInstance<R extends Report>(reports: readonly R[]): readonly (readonly R[])[] {
  const rounds: R[][] = []
  const seen = new Map<string, number>()
  for (const report of reports) {
    const round = seen.get(report.instanceId) ?? 0
    seen.set(report.instanceId, round + 1)
    const reportsOfRound = rounds[round] ?? []
    reportsOfRound.push(report)
    rounds[round] = reportsOfRound
  }
  return rounds.map((round) => round.toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1)))
}

/**
 * The reports that follow the boot of their instance which is stored (`others`), and the boots that end with it. `past` is what was stored of
 * the reports' own boots when those ended.
 */
export function followers<R extends Report>(
  reports: readonly R[],
  others: readonly BootSeq[],
  past: readonly BootSeq[],
): { readonly ended: readonly BootSeq[]; readonly begun: readonly R[] } {
  const wasStored = ({ instanceId, bootId, seq }: R) =>
    past.some((one) => one.instance_id === instanceId && one.boot_id === bootId && one.seq >= seq)
  const byId = new Map(reports.map((report) => [report.instanceId, report]))
  const pairs = others.flatMap((other) => {
    const report = byId.get(other.instance_id)
    return report && !wasStored(report) ? [{ other, report }] : []
  })
  return { ended: pairs.map(({ other }) => other), begun: pairs.map(({ report }) => report) }
}
