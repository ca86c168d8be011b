/*
 * How the taskmanager speaks to guests: every call ends, a repeated call is the same call, and "no answer" is told apart from
 * "nobody can be asked".
 */

import type { Clock } from '../../common/clock.js'
import { isKind, RedtroveError } from '../../common/errors.js'
import type { Token } from '../../domain/fencing/token.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { Observation } from '../../domain/instance/observation.js'
import type { Assignment } from '../../domain/replication/assignment.js'
import type { guestAgent } from '../../wire/agent/commands.js'
import { guestAgent as contract } from '../../wire/agent/commands.js'
import type { Client } from '../../wire/contract.js'
import type { WorkflowContext } from '../engine/workflow.js'

const RETRY_MS = 100

/** A guest's client whose calls end with `signal`, whatever else ends them. */
export function boundTo(client: Client<typeof guestAgent>, signal: AbortSignal): Client<typeof guestAgent> {
  const bind =
    <P, R>(method: (params: P, options?: { readonly signal?: AbortSignal }) => Promise<R>) =>
    (params: P, options?: { readonly signal?: AbortSignal }) =>
      method(params, { signal: options?.signal ? AbortSignal.any([signal, options.signal]) : signal })
  const methods = Object.keys(contract).map((name) => {
    const method = client[name as keyof typeof contract] // keys of the contract are the client's methods
    return [name, bind(method as (params: unknown) => Promise<unknown>)]
  })
  return Object.fromEntries(methods) as Client<typeof guestAgent> // the same methods, each with the same signature
}

/** `act`, or `guest_timeout` after `timeoutMs`; `act` gets a signal that ends it then. */
export async function within<T>(
  what: string,
  timeoutMs: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  const deadline = clock.sleep(timeoutMs, either).then(
    () => {
      const error = new RedtroveError('guest_timeout', `${what}: no answer within ${timeoutMs} ms.`)
      ended.abort(error)
      throw error
    },
    (reason) => {
      throw signal.aborted ? signal.reason : reason
    },
  )
  deadline.catch(() => {})
  try {
    return await Promise.race([act(either), deadline])
  } finally {
    ended.abort()
  }
}

/** The guest itself did not do it: no answer, or an answer that it could not. Asking again may help; another may be chosen. */
export function isGuestsFault(error: unknown): error is RedtroveError {
  return isKind(error, 'guest_timeout', 'guest_failed')
}

/**
 * Repeats `act` until it succeeds or `patienceMs` is over, as long as it is the guest that fails. Anything else (broker away,
 * lease lost, a higher epoch seen) passes at once.
 */
export async function insist<T>(
  what: string,
  context: Pick<WorkflowContext, 'clock' | 'signal' | 'timings'>,
  act: (signal: AbortSignal) => Promise<T>,
  patienceMs: number = context.timings.patienceMs,
  tryMs: number = context.timings.assumeMs,
): Promise<T> {
  const { clock, signal } = context
  const deadline = clock.monotonicMs() + patienceMs
  for (;;) {
    try {
      return await within(what, tryMs, context, act)
    } catch (error) {
      if (!isGuestsFault(error)) throw error
      if (clock.monotonicMs() + RETRY_MS >= deadline) throw named(what, error)
    }
    await clock.sleep(RETRY_MS, signal)
  }
}

/** A guest's own sentence does not say whose it is. */
function named(what: string, error: RedtroveError): RedtroveError {
  if (error.message.includes(what)) return error
  return new RedtroveError(error.kind, `${what}: ${error.message}`, { cause: error })
}

/** What a guest answers once it is what it was told to be. */
export type Assumed = Awaited<ReturnType<Client<typeof guestAgent>['assume']>>

/** Tells a guest what it is to be, as often as it takes: the same command, so one that comes twice does nothing. Fails as `insist`. */
export async function assign(
  id: InstanceId,
  command: { readonly token: Token; readonly assignment: Assignment },
  context: Pick<WorkflowContext, 'clock' | 'signal' | 'timings' | 'guest'>,
  patienceMs?: number,
): Promise<Assumed> {
  const call = (signal: AbortSignal) => context.guest(id).assume(command, { signal })
  return insist(`Instance ${id}`, context, call, patienceMs)
}

/** A fresh look; null when the guest does not answer in time. Fails only for reasons that are not the guest's. */
export async function lookAt(
  id: InstanceId,
  context: Pick<WorkflowContext, 'clock' | 'signal' | 'timings' | 'guest'>,
  timeoutMs: number = context.timings.lookMs,
): Promise<Observation | null> {
  const look = within(`Instance ${id}`, timeoutMs, context, (signal) =>
    context.guest(id).inspect({}, { signal }),
  )
  return look.then(
    ({ observation }) => observation,
    (error: unknown) => {
      if (isGuestsFault(error)) return null
      throw error
    },
  )
}

/** A look at a guest that matters: asked again for `patienceMs` before it counts as silent (null). */
export async function lookHardAt(
  id: InstanceId,
  context: Pick<WorkflowContext, 'clock' | 'signal' | 'timings' | 'guest'>,
  patienceMs: number,
): Promise<Observation | null> {
  const call = (signal: AbortSignal) => context.guest(id).inspect({}, { signal })
  try {
    return (await insist(`Instance ${id}`, context, call, patienceMs, context.timings.lookMs)).observation
  } catch (error) {
    if (isGuestsFault(error)) return null
    throw error
  }
}
