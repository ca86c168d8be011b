import { randomUUID } from 'node:crypto'
import type { Token } from '../../common/contracts/assignment.js'
import type { guestAgent } from '../../common/contracts/guestagent.js'
import type { Observation } from '../../common/domain/observation.js'
import type { Handlers } from '../../common/rpc/contract.js'

/** A healthy source without replicas, but for `facts`. */
export function anObservation(facts: Partial<Observation> = {}): Observation {
  return {
    service: 'running',
    serverVersion: '7.0.15',
    serverPid: 1,
    role: 'source',
    fenced: false,
    replicationId: 'a'.repeat(40),
    replicationId2: null,
    secondOffset: null,
    offset: 0,
    following: null,
    link: null,
    linkDownMs: null,
    lastIoSecondsAgo: null,
    connectedReplicas: [],
    syncFull: 0,
    syncPartialOk: 0,
    syncPartialErr: 0,
    memoryUsedBytes: 1,
    memoryMaxBytes: 0,
    keys: 0,
    clients: 1,
    diskUsedBytes: 0,
    diskFreeBytes: 1,
    persistenceOk: true,
    accepted: null,
    fault: null,
    ...facts,
  }
}

export function aToken(facts: Partial<Token> = {}): Token {
  return { operationId: randomUUID(), step: 'step', epoch: 1, attempt: 1, ...facts }
}

/** A guest that does nothing and finds everything well, but for the given methods. */
export function guestHandlers(given: Partial<Handlers<typeof guestAgent>>): Handlers<typeof guestAgent> {
  const seen = async () => ({ observation: anObservation() })
  const nothing = async () => ({})
  return {
    inspect: seen,
    assume: async () => ({ observation: anObservation(), writesFrozen: false }),
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
