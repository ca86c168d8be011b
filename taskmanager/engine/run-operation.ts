/*
 * Carries one leased operation to its end, or leaves it to whoever holds the lease next.
 *
 *   no plan: prepare → save plan → commit → close          plan: commit → close
 *   prepare fails (deadline and cancel too): take back in reverse → close as rolled_back
 *   broker, database or provider away: wait and start over (prepare, while the deadline allows) or go on (commit)
 *   commit keeps failing: give up → close as failed, fences stay on
 */

import type { Clock } from '../../common/clock.js'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import type { Failpoint } from '../../common/failpoint.js'
import type { Logger } from '../../common/log.js'
import type { KeyRing } from '../../common/secrets/key-ring.js'
import { kindOf } from '../../domain/operation/kinds/index.js'
import type { Operation } from '../../domain/operation/operation.js'
import type { Credentials } from '../../domain/replication/credentials.js'
import type { Lease, Store } from '../../store/store.js'
import type { ControlMessaging } from '../../wire/messaging.js'
import type { Compute } from '../compute/compute.js'
import { within } from '../guests/guests.js'
import { contextFor, credentialsOf } from './context.js'
import { type Journal, openJournal } from './journal.js'
import { type KeptLease, keepLease } from './lease.js'
import { nameMembers } from './name-members.js'
import { closeOperation, confirmLease, isAway, savePlan } from './sure-writes.js'
import type { Timings } from './timings.js'
import type { Outcome, TakeBack, Workflow, WorkflowContext } from './workflow.js'

/** What every run of an operation shares. */
export interface RunnerParts {
  readonly store: Store
  readonly messaging: Pick<ControlMessaging, 'guest' | 'declareGuest' | 'removeGuest'>
  readonly compute: Compute
  readonly keyRing: KeyRing
  readonly timings: Timings
  readonly clock: Clock
  readonly log: Logger
  readonly failpoint: Failpoint
  readonly workflowOf: (operation: Operation) => Workflow
}

/** Everything about one run of one operation. */
interface Run extends RunnerParts {
  readonly operation: Operation
  readonly lease: Lease
  readonly kept: KeptLease
  readonly journal: Journal
  readonly workflow: Workflow
  readonly credentials: () => Promise<Credentials>
}

const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 3_000
/** Longer than any provider takes for an act: one that is cut off would leave a fence on for nothing. */
const TAKE_BACK_MS = 120_000
const GIVE_UP_MS = 30_000
/** Taken over this often, an operation is taken for one that kills whoever carries it out. */
const ATTEMPTS_MAX = 50

/** True when it was closed here; false when it is left to another (lease lost). */
export async function runOperation(operation: Operation, lease: Lease, parts: RunnerParts): Promise<boolean> {
  const log = parts.log.child({
    operationId: operation.id,
    instanceId: operation.instanceId,
    requestId: operation.requestId,
    kind: operation.kind,
  })
  const kept = keepLease(parts.store.operations, lease, parts.timings.leaseMs, parts.clock, log)
  const journal = openJournal(parts.store.operations, lease, parts.clock, log)
  const workflow = parts.workflowOf(operation)
  const credentials = credentialsOf(operation, parts)
  const run: Run = { ...parts, log, operation, lease, kept, journal, workflow, credentials }
  try {
    const outcome =
      operation.plan === null ? await fromTheStart(run) : await forward(run, operation.plan, true)
    await journal.flush()
    await closeOperation(run, await nameMembers(outcome, run))
    return true
  } catch (error) {
    if (!kept.signal.aborted && !isKind(error, 'lease_lost')) throw error
    log.warn({ reason: messageOf(error) }, 'operation left to another taskmanager')
    return false
  } finally {
    kept.stop()
    await journal.flush()
  }
}

async function fromTheStart(run: Run): Promise<Outcome> {
  const ready = await prepared(run)
  if ('outcome' in ready) return ready.outcome
  return forward(run, ready.plan, false)
}

/** A saved plan, or the end that prepare came to. */
async function prepared(run: Run): Promise<{ plan: unknown } | { outcome: Outcome }> {
  const { kept, clock, log } = run
  const deadline = deadlineOf(run)
  const signal = AbortSignal.any([kept.signal, kept.cancelled, deadline.signal])
  const context = contextFor({ ...run, signal, resumed: false })
  let retryMs = RETRY_MS_MIN
  try {
    for (;;) {
      const result = await tryPrepare(run, context)
      if (!('error' in result)) return result
      kept.signal.throwIfAborted()
      const why = signal.aborted ? signal.reason : result.error
      if (signal.aborted || !isAway(why) || result.left.length > 0)
        return { outcome: takenBack(run, context, why, result.left) }
      log.warn({ reason: messageOf(why) }, 'operation starts over')
      await clock.sleep(retryMs, signal).catch(() => {})
      retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
      if (signal.aborted && !kept.signal.aborted)
        return { outcome: takenBack(run, context, why, result.left) }
    }
  } finally {
    deadline.stop()
  }
}

type Tried = { plan: unknown } | { outcome: Outcome } | { error: unknown; left: readonly string[] }
type Undo = { readonly name: string; readonly act: Parameters<TakeBack>[1] }

/** The row is a door: what an older or broken program wrote there must not be taken for a request. */
function requireReadable({ kind, request }: Operation): void {
  if (kindOf(kind).request.safeParse(request).success) return
  throw new RedtroveError(
    'internal',
    `What this ${kind} was asked for cannot be read from its row. Ask again.`,
  )
}

async function tryPrepare(run: Run, context: WorkflowContext): Promise<Tried> {
  const undo: Undo[] = []
  try {
    if (run.operation.attempt > ATTEMPTS_MAX) throw tooOften(run)
    requireReadable(run.operation)
    context.signal.throwIfAborted()
    const ready = await run.workflow.prepare(context, (name, act) => undo.push({ name, act }))
    context.signal.throwIfAborted()
    if ('outcome' in ready) return ready
    await savePlan(run, ready)
    return { plan: ready.plan }
  } catch (error) {
    run.journal.release()
    // With the lease lost another may be at work already; what we hold back runs out by itself.
    if (run.kept.signal.aborted || isKind(error, 'lease_lost')) throw error
    await confirmLease(run)
    return { error, left: await takeBack(run, undo) }
  }
}

/**
 * In reverse, each with a deadline, again and again while a part of the control plane is away: what was fenced must not stay so
 * because the broker was missed by a second. Answers with what could not be taken back, as sentences.
 */
async function takeBack(run: Run, undo: readonly Undo[]): Promise<readonly string[]> {
  const left: string[] = []
  const context = contextFor({ ...run, signal: run.kept.signal, resumed: false })
  for (const { name, act } of undo.toReversed()) {
    const entry = run.journal.begin(`take back: ${name}`)
    try {
      await whileAway(run, name, () => act(context))
      entry.end('taken_back', null)
    } catch (error) {
      run.kept.signal.throwIfAborted()
      run.log.warn({ step: name, reason: messageOf(error) }, 'step not taken back')
      entry.end('failed', sentenceOf(error))
      left.push(`"${name}" could not be taken back: ${sentenceOf(error)}`)
    }
  }
  return left
}

async function whileAway({ clock, kept, log }: Run, name: string, act: () => Promise<void>): Promise<void> {
  for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
    try {
      return await within(`Taking back "${name}"`, TAKE_BACK_MS, { clock, signal: kept.signal }, act)
    } catch (error) {
      kept.signal.throwIfAborted()
      if (!isAway(error)) throw error
      log.warn({ step: name, reason: messageOf(error) }, 'step not taken back yet')
    }
    await clock.sleep(retryMs, kept.signal)
  }
}

function takenBack(
  { workflow, log }: Run,
  context: WorkflowContext,
  why: unknown,
  left: readonly string[],
): Outcome {
  const error = expected(why)
  log.warn({ reason: messageOf(why), expected: isKind(why), left }, 'operation taken back')
  const changes = workflow.rolledBack?.(context, error, left)
  const fault = [error.message, ...left].join(' ')
  return { state: 'rolled_back', fault, ...(changes ? { changes } : {}) }
}

/** Commit until it succeeds, the lease is lost, or it has failed without a break for too long. */
async function forward(run: Run, saved: unknown, resumed: boolean): Promise<Outcome> {
  const { workflow, kept, clock, log, timings } = run
  const plan = workflow.plan.parse(saved)
  let failingSinceMs: number | null = null
  let retryMs = RETRY_MS_MIN
  for (let round = 0; ; round += 1) {
    const context = contextFor({ ...run, signal: kept.signal, resumed: resumed || round > 0 })
    try {
      if (run.operation.attempt > ATTEMPTS_MAX) throw tooOften(run)
      return await workflow.commit(plan, context)
    } catch (error) {
      run.journal.release()
      kept.signal.throwIfAborted()
      if (isKind(error, 'lease_lost')) throw error
      log.warn({ reason: messageOf(error), round }, 'commit failed, trying again')
      // While a part of the control plane is away nothing is known of the guests, so the patience does not run.
      if (isAway(error)) failingSinceMs = null
      else failingSinceMs ??= clock.monotonicMs()
      const failingMs = failingSinceMs === null ? 0 : clock.monotonicMs() - failingSinceMs
      const over = failingMs >= timings.commitMsMax || run.operation.attempt > ATTEMPTS_MAX
      if (over) return await givenUp(run, plan, context, expected(error))
    }
    await clock.sleep(retryMs, kept.signal)
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
  }
}

async function givenUp(
  run: Run,
  plan: unknown,
  context: WorkflowContext,
  why: RedtroveError,
): Promise<Outcome> {
  const { workflow, operation, clock, kept, log } = run
  log.error({ reason: why.message }, 'operation given up')
  try {
    const bounds = { clock, signal: kept.signal }
    return await within('Giving up', GIVE_UP_MS, bounds, () => workflow.giveUp(plan, context, why))
  } catch (error) {
    kept.signal.throwIfAborted()
    log.error({ reason: messageOf(error) }, 'nothing could be found out while giving up')
    const fault = { message: why.message, createdAtMs: clock.now(), details: null }
    return {
      state: 'failed',
      fault: why.message,
      changes: { instances: { [operation.instanceId]: { fault } } },
    }
  }
}

/** Counted from the operation's creation, whoever has had it: by the database's clock until it was taken, from then on by this process's monotonic one. */
function deadlineOf({ operation, clock }: Run): { signal: AbortSignal; stop(): void } {
  const passed = new AbortController()
  const stopped = new AbortController()
  const leftMs = Math.max(0, operation.deadlineMs - operation.ageMs)
  const sentence = `Not ready within ${Math.round(operation.deadlineMs / 1000)} s, so everything was taken back; try again.`
  const pass = () => passed.abort(new RedtroveError('guest_timeout', sentence))
  if (leftMs === 0) pass()
  else clock.sleep(leftMs, stopped.signal).then(pass, () => {})
  return { signal: passed.signal, stop: () => stopped.abort() }
}

function tooOften({ operation }: Run): RedtroveError {
  return new RedtroveError(
    'internal',
    `Begun ${operation.attempt} times without reaching an end; see the log.`,
  )
}

/** What a user may read of any failure. A bug's own words stay in the log. */
function expected(error: unknown): RedtroveError {
  if (isKind(error)) return error
  return new RedtroveError(
    'internal',
    'An unexpected failure in the service; the log has it under the operation id.',
    {
      cause: error,
    },
  )
}

function sentenceOf(error: unknown): string {
  return expected(error).message
}
