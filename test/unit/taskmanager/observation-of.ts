import type { Observation } from '../../../common/domain/observation.js'

/** An observation of a running server with what a test is about. */
export function observationOf(known: Partial<Observation>): Observation {
  return {
    service: 'running',
    serverVersion: '7.0.15',
    serverPid: 1,
    role: 'source',
    fenced: false,
    replicationId: 'history-1',
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
    memoryUsedBytes: null,
    memoryMaxBytes: null,
    keys: null,
    clients: null,
    diskUsedBytes: null,
    diskFreeBytes: null,
    persistenceOk: true,
    accepted: null,
    fault: null,
    ...known,
  }
}
