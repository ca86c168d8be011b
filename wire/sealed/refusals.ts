import { type Clock, systemClock } from '../../common/clock.js'
import type { Logger } from '../../common/log.js'

/** A flood of messages must not become a flood of lines. */
const LINE_EACH_MS = 10_000

/** Counts messages that were dropped because they were not sealed for us, or had come before. */
export interface Refusals {
  /** One warning each ten seconds and reason, with the count so far; `facts` hold nothing that the message says about itself unless it is authentic. */
  refuse(why: string, facts?: Readonly<Record<string, unknown>>): undefined
  count(): number
}

/** What an end of the messaging tells of them. */
export interface Refused {
  /** How many messages were dropped because they were not authentic or had come before. */
  refused(): number
}

/** Starts at none. */
export function openRefusals(log: Logger, clock: Clock = systemClock): Refusals {
  const saidMs = new Map<string, number>()
  let refused = 0
  return {
    refuse: (why, facts = {}) => {
      refused += 1
      const nowMs = clock.monotonicMs()
      if (nowMs - (saidMs.get(why) ?? -LINE_EACH_MS) < LINE_EACH_MS) return undefined
      saidMs.set(why, nowMs)
      log.warn({ ...facts, why, refused }, 'message refused')
      return undefined
    },
    count: () => refused,
  }
}
