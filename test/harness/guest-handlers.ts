import { randomUUID } from 'node:crypto'
import type { Token } from '../../domain/fencing/token.js'
import type { guestAgent } from '../../wire/agent/commands.js'
import type { Handlers } from '../../wire/contract.js'
import { observed } from './observed.js'

export function aToken(facts: Partial<Token> = {}): Token {
  return { operationId: randomUUID(), step: 'step', epoch: 1, attempt: 1, ...facts }
}

/** A guest that does nothing and finds everything well, but for the given methods. */
export function guestHandlers(given: Partial<Handlers<typeof guestAgent>>): Handlers<typeof guestAgent> {
  const seen = async () => ({ observation: observed() })
  const nothing = async () => ({})
  return {
    inspect: seen,
    assume: async () => ({ observation: observed(), writesFrozen: false }),
    pauseWrites: async () => ({ replicationId: 'a'.repeat(40), offset: 0 }),
    resumeWrites: nothing,
    waitForOffset: async ({ offset, replicationId }) => ({ reached: true, offset, replicationId }),
    severLink: seen,
    tuneSync: nothing,
    setCredentials: nothing,
    restartServer: seen,
    stopServer: nothing,
    ...given,
  }
}
