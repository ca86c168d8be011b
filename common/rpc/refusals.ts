import type { Logger } from '../log.js'

/** Counts messages that were dropped because they were not sealed for us, or had come before. */
export interface Refusals {
  /** One warning a message; `facts` hold nothing that the message says about itself unless it is authentic. */
  refuse(why: string, facts?: Readonly<Record<string, unknown>>): undefined
  count(): number
}

/** What an end of the messaging tells of them. */
export interface Refused {
  /** How many messages were dropped because they were not authentic or had come before. */
  refused(): number
}

/** Starts at none. */
export function openRefusals(log: Logger): Refusals {
  let refused = 0
  return {
    refuse: (why, facts = {}) => {
      refused += 1
      log.warn({ ...facts, why, refused }, 'message refused')
      return undefined
    },
    count: () => refused,
  }
}
