/* I1: no acknowledged write is missing, no refused one is there, and a counter lies between what is known and what is possible. */
import type { Redis } from 'ioredis'
import type { Deed } from './deed.js'

export interface LossReport {
  readonly acknowledged: number
  readonly refused: number
  readonly unknown: number
  /** Acknowledged writes that are not there, and that nothing excuses. */
  readonly lost: readonly string[]
  /** Acknowledged by a source that was ejected before any replica had them; those are gone with it. */
  readonly excused: number
  /** Refused writes that are there, or a write that is there twice. */
  readonly impossible: readonly string[]
}

/** Compares a history with what one member holds. `excuses` says which acknowledged writes may be missing. */
export async function lossOn(
  member: Redis,
  deeds: readonly Deed[],
  excuses: (deed: Deed) => boolean = () => false,
): Promise<LossReport> {
  const byKey = new Map<string, Deed[]>()
  for (const deed of deeds) {
    if (deed.kind === 'probe') continue
    const known = byKey.get(deed.key)
    if (known) known.push(deed)
    else byKey.set(deed.key, [deed])
  }
  const report = { lost: [] as string[], impossible: [] as string[], excused: 0 }
  for (const [key, history] of byKey) await compare(member, key, history, excuses, report)
  const written = deeds.filter(({ kind }) => kind !== 'probe')
  const count = (outcome: Deed['outcome']) => written.filter((deed) => deed.outcome === outcome).length
  return { ...report, acknowledged: count('ok'), refused: count('fail'), unknown: count('unknown') }
}

interface Findings {
  readonly lost: string[]
  readonly impossible: string[]
  excused: number
}

async function compare(
  member: Redis,
  key: string,
  history: readonly Deed[],
  excuses: (deed: Deed) => boolean,
  findings: Findings,
): Promise<void> {
  const kind = history[0]?.kind
  if (kind === 'count')
    return compareCount(key, Number((await member.get(key)) ?? 0), history, excuses, findings)
  if (kind === 'set') return compareRegister(key, await member.get(key), history, excuses, findings)
  const held = kind === 'add' ? await member.smembers(key) : await member.lrange(key, 0, -1)
  compareCollection(key, held.map(Number), history, excuses, findings)
}

function compareCollection(
  key: string,
  held: readonly number[],
  history: readonly Deed[],
  excuses: (deed: Deed) => boolean,
  findings: Findings,
): void {
  const times = new Map<number, number>()
  for (const value of held) times.set(value, (times.get(value) ?? 0) + 1)
  for (const deed of history) {
    const there = times.get(deed.value) ?? 0
    if (deed.outcome === 'ok' && there === 0) miss(key, deed, excuses, findings)
    if (deed.outcome === 'fail' && there > 0) findings.impossible.push(`${key} has refused ${deed.value}`)
    if (there > 1) findings.impossible.push(`${key} has ${deed.value} ${there} times`)
  }
}

/** The last acknowledged value, or one whose fate was never known and that came late. */
function compareRegister(
  key: string,
  held: string | null,
  history: readonly Deed[],
  excuses: (deed: Deed) => boolean,
  findings: Findings,
): void {
  const value = Number(held ?? 0)
  const found = history.find((deed) => deed.value === value)
  if (found?.outcome === 'fail') findings.impossible.push(`${key} has refused ${value}`)
  if (found?.outcome === 'unknown') return
  const newer = history.filter((deed) => deed.outcome === 'ok' && deed.value > value)
  for (const deed of newer) miss(key, deed, excuses, findings)
}

function compareCount(
  key: string,
  held: number,
  history: readonly Deed[],
  excuses: (deed: Deed) => boolean,
  findings: Findings,
): void {
  const oks = history.filter(({ outcome }) => outcome === 'ok')
  const unknown = history.filter(({ outcome }) => outcome === 'unknown').length
  const excused = oks.filter(excuses).length
  if (held < oks.length - excused)
    findings.lost.push(`${key} counts ${held} of ${oks.length} (${excused} excused)`)
  else if (held < oks.length) findings.excused += oks.length - held
  if (held > oks.length + unknown)
    findings.impossible.push(
      `${key} counts ${held}, more than ${oks.length} + ${unknown} unknown; refused: ${reasonsOf(history)}`,
    )
}

function reasonsOf(history: readonly Deed[]): string {
  const reasons = history.flatMap(({ outcome, why, member }) =>
    outcome === 'fail' ? [`${why} by ${member}`] : [],
  )
  return [...new Set(reasons)]
    .map((one) => `${reasons.filter((other) => other === one).length} ${one}`)
    .join(', ')
}

function miss(key: string, deed: Deed, excuses: (deed: Deed) => boolean, findings: Findings): void {
  if (excuses(deed)) findings.excused += 1
  else findings.lost.push(`${key} lacks ${deed.value}, acknowledged by ${deed.member}`)
}
