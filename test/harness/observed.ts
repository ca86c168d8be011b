import type { Observation } from '../../domain/instance/observation.js'

/** A healthy source's look; override what the test is about. */
export function observed(changes: Partial<Observation> = {}): Observation {
  return {
    service: 'running',
    serverVersion: '7.0.15',
    serverPid: 1,
    role: 'source',
    fenced: false,
    replicationId: 'a'.repeat(40),
    replicationId2: null,
    secondOffset: null,
    offset: 100,
    following: null,
    link: null,
    linkDownMs: null,
    lastIoSecondsAgo: null,
    connectedReplicas: [],
    syncFull: 0,
    syncPartialOk: 0,
    syncPartialErr: 0,
    memoryUsedBytes: 1000,
    memoryMaxBytes: 2000,
    keys: 1,
    clients: 1,
    diskUsedBytes: 10,
    diskFreeBytes: 1000,
    persistenceOk: true,
    emptied: false,
    damaged: false,
    accepted: null,
    fault: null,
    ...changes,
  }
}
