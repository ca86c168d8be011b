import type { Clock } from '../clock.js'
import type { InstanceId } from '../domain/instance.js'
import { RedtroveError } from '../errors.js'
import type { Logger } from '../log.js'
import type { Calls } from './calls.js'
import type { Method } from './contract.js'
import { openMessage, sealMessage } from './envelope.js'
import type { KeyOf } from './messaging.js'
import { outcomeSchema, resultOf } from './outcome.js'
import type { QueueNames } from './queues.js'

/** Seals commands, numbers them, and knows which incarnation of each guest they are for. */
export interface GuestCaller {
  call(
    calls: Calls,
    instanceId: InstanceId,
    name: string,
    method: Method,
    params: unknown,
    signal?: AbortSignal,
  ): Promise<unknown>
  /** A report or an answer told it: spares the first command a second trip. */
  learn(instanceId: InstanceId, incarnation: string): void
  forget(instanceId: InstanceId): void
}

/** Incarnations that are kept; beyond it the oldest is forgotten, which costs one trip. */
const KNOWN_MAX = 50_000

export function guestCaller(
  sender: string,
  keyOf: KeyOf,
  names: QueueNames,
  log: Logger,
  clock: Clock,
): GuestCaller {
  const incarnations = new Map<InstanceId, string>()
  const numbers = new Map<string, number>()
  return { call, learn, forget: (instanceId) => void incarnations.delete(instanceId) }

  function learn(instanceId: InstanceId, incarnation: string): void {
    if (incarnations.size >= KNOWN_MAX && !incarnations.has(instanceId)) {
      const oldest = incarnations.keys().next().value
      if (oldest !== undefined) incarnations.delete(oldest)
    }
    incarnations.set(instanceId, incarnation)
  }

  /** At most two trips: the second only when the guest says that it is another incarnation than we thought. */
  async function call(
    calls: Calls,
    instanceId: InstanceId,
    name: string,
    method: Method,
    params: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const deadline = clock.monotonicMs() + method.timeoutMs
    for (let trip = 0; trip < 3; trip++) {
      const timeoutMs = Math.max(1, Math.ceil(deadline - clock.monotonicMs()))
      const bytes = await calls.send({
        queue: names.commands(instanceId, method.lane),
        timeoutMs,
        what: `${name} on instance ${instanceId}`,
        seal: (messageId) => seal(instanceId, name, method, params, messageId),
        ...(signal ? { signal } : {}),
      })
      const outcome = open(instanceId, name, bytes)
      if (!('incarnation' in outcome)) return resultOf(method, outcome)
      learn(instanceId, outcome.incarnation)
    }
    throw new RedtroveError(
      'guest_timeout',
      `Instance ${instanceId} restarts again and again; ${name} was not carried out.`,
    )
  }

  function seal(
    instanceId: InstanceId,
    name: string,
    method: Method,
    params: unknown,
    messageId: string,
  ): Buffer {
    const counter = `${instanceId} ${method.lane}`
    const seq = (numbers.get(counter) ?? 0) + 1
    numbers.set(counter, seq)
    const to = incarnations.get(instanceId) ?? null
    return sealMessage(
      keyOf(instanceId),
      { kind: 'command', instanceId, method: name, messageId, from: sender, to, seq },
      params,
    )
  }

  function open(instanceId: InstanceId, name: string, bytes: Buffer) {
    const opened = openMessage(bytes, 'answer', (id) => (id === instanceId ? keyOf(id) : undefined))
    if (typeof opened === 'string' || opened.header.method !== name || opened.header.to !== sender) {
      log.warn({ instanceId, method: name }, 'dropped an answer that is not authentic')
      throw new RedtroveError(
        'guest_failed',
        `The answer of instance ${instanceId} to ${name} is not authentic.`,
      )
    }
    const outcome = outcomeSchema.safeParse(opened.payload)
    if (!outcome.success)
      throw new RedtroveError(
        'guest_failed',
        `The answer of instance ${instanceId} to ${name} makes no sense.`,
      )
    return outcome.data
  }
}
