import { randomUUID } from 'node:crypto'
import type { Clock } from '../../common/clock.js'
import type { Method } from '../contract.js'
import type { Header } from './envelope.js'
import { type ReplayWindow, replayWindow } from './replay-window.js'

/** A process that did nothing for this long may hold commands whose callers gave up long ago. */
const FROZEN_MS = 2_000
const WINDOWS_MAX = 128

/** `stranger`: sealed for another incarnation, so it may be arbitrarily old. `replayed`: this very message came before. */
export type Verdict = 'admitted' | 'stranger' | 'replayed'

/**
 * Decides which commands a guest carries out. It has an incarnation: a name that changes when the agent starts, when it was out
 * of the broker's reach, and when it was frozen (SIGSTOP, a stalled host). Only commands sealed for the present one are
 * admitted, and each once; so no command is carried out long after its caller has stopped waiting.
 */
export interface Admission {
  incarnation(): string
  judge(header: Pick<Header, 'from' | 'to' | 'seq'>, lane: Method['lane']): Verdict
  /** To be called often; notices that the process stood still. */
  tick(): void
  /** Voids every command that was sealed before. */
  renew(): void
}

/** Begins with a new incarnation; ages are measured on the clock's monotonic time. */
export function openAdmission(clock: Clock): Admission {
  const windows = new Map<string, ReplayWindow>()
  let incarnation = randomUUID()
  let lastTickMs = clock.monotonicMs()
  return { incarnation: () => incarnation, judge, tick, renew }

  function renew(): void {
    incarnation = randomUUID()
    windows.clear()
  }

  function tick(): void {
    const nowMs = clock.monotonicMs()
    if (nowMs - lastTickMs > FROZEN_MS) renew()
    lastTickMs = nowMs
  }

  function judge({ from, to, seq }: Pick<Header, 'from' | 'to' | 'seq'>, lane: Method['lane']): Verdict {
    tick()
    if (to !== incarnation) return 'stranger'
    const window = windowOf(lane, from)
    if (!window) return 'stranger'
    return window.admit(seq) ? 'admitted' : 'replayed'
  }

  /**
   * A window per lane: the control lane may stand behind a long step while the query lane moves on by thousands. Senders pile up
   * as taskmanagers are restarted; forgetting one alone would let its messages in again, so all are voided together.
   */
  function windowOf(lane: Method['lane'], from: string): ReplayWindow | undefined {
    const name = `${lane} ${from}`
    const known = windows.get(name)
    if (known) return known
    if (windows.size >= WINDOWS_MAX) {
      renew()
      return undefined
    }
    const fresh = replayWindow()
    windows.set(name, fresh)
    return fresh
  }
}
