import type { Clock } from '../../common/clock.js'
import { isKind, messageOf } from '../../common/errors.js'
import type { Failpoint } from '../../common/failpoint.js'
import type { Logger } from '../../common/log.js'
import type { KeyRing } from '../../common/secrets/key-ring.js'
import type { Operation } from '../../domain/operation/operation.js'
import type { Credentials } from '../../domain/replication/credentials.js'
import { openCredentials } from '../../store/sealed-credentials.js'
import type { Lease, Store } from '../../store/store.js'
import type { ControlMessaging } from '../../wire/messaging.js'
import { type Compute, ordered } from '../compute/compute.js'
import { boundTo } from '../guests/guests.js'
import type { Journal } from './journal.js'
import type { KeptLease } from './lease.js'
import { nameInFaults } from './name-members.js'
import { confirmLease } from './sure-writes.js'
import type { Timings } from './timings.js'
import type { RunStep, WorkflowContext } from './workflow.js'

const STEP_ID_LENGTH_MAX = 64

/** What the context of one run is made of. */
export interface ContextParts {
  readonly operation: Operation
  readonly lease: Lease
  readonly kept: KeptLease
  readonly signal: AbortSignal
  readonly resumed: boolean
  readonly journal: Journal
  readonly credentials: () => Promise<Credentials>
  readonly store: Store
  readonly messaging: Pick<ControlMessaging, 'guest' | 'declareGuest' | 'removeGuest'>
  readonly compute: Compute
  readonly keyRing: KeyRing
  readonly timings: Timings
  readonly clock: Clock
  readonly log: Logger
  readonly failpoint: Failpoint
}

/** What one phase (prepare, or one try of commit) of one run may touch. */
export function contextFor(parts: ContextParts): WorkflowContext {
  const {
    operation,
    lease,
    signal,
    resumed,
    journal,
    store,
    messaging,
    compute,
    keyRing,
    timings,
    clock,
    log,
  } = parts
  return {
    operation,
    resumed,
    signal,
    store: { instances: store.instances, sets: store.sets },
    guest: (id) => boundTo(messaging.guest(id), signal),
    compute: ordered(compute, { epoch: operation.epoch, attempt: lease.attempt }, () => confirmLease(parts)),
    queues: { declareGuest: messaging.declareGuest, removeGuest: messaging.removeGuest },
    keyRing,
    credentials: parts.credentials,
    token: tokens(operation, lease),
    step: stepper(parts),
    recordLater: journal.hold,
    recordNow: journal.release,
    change: async (changes) => store.operations.change(lease, await nameInFaults(changes, parts)),
    timings,
    clock,
    log,
  }
}

/** The accounts of an operation's set, read once a run: calls that hold back writes do not wait for the database. */
export function credentialsOf(
  { setId }: Operation,
  { store, keyRing }: Pick<ContextParts, 'store' | 'keyRing'>,
): () => Promise<Credentials> {
  let known: Promise<Credentials> | null = null
  const read = async () => openCredentials(keyRing, (await store.sets.find(setId)).sealedCredentials)
  return () => {
    known ??= read().catch((error: unknown) => {
      known = null
      throw error
    })
    return known
  }
}

let intentions = 0

/**
 * An agent gives the kept answer when it sees the same (operation, step) again. So a step's id is unique for each intention of
 * each run: what was true at an earlier try is never taken for an answer to a new one.
 */
function tokens(operation: Operation, lease: Lease): WorkflowContext['token'] {
  return (step, epoch = operation.epoch) => {
    intentions += 1
    const suffix = `#${lease.attempt}.${intentions}`
    const id = `${step.slice(0, STEP_ID_LENGTH_MAX - suffix.length)}${suffix}`
    return { operationId: operation.id, step: id, epoch, attempt: lease.attempt }
  }
}

function stepper({ operation, signal, journal, failpoint, log }: ContextParts): RunStep {
  return async (name, act, describe = () => null) => {
    signal.throwIfAborted()
    failpoint(operation.kind, name, 'before')
    const entry = journal.begin(name)
    try {
      const value = await act(entry.progress)
      failpoint(operation.kind, name, 'after')
      const detail = describe(value)
      log.debug({ step: name, detail }, 'step done')
      entry.end('done', detail)
      return value
    } catch (error) {
      entry.end('failed', isKind(error) ? messageOf(error) : 'An unexpected failure; the log has it.')
      throw error
    }
  }
}
