import type { Clock } from '../../common/clock.js'
import { RedtroveError } from '../../common/errors.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { Calls } from '../broker/calls.js'
import type { QueueNames } from '../broker/queues.js'
import type { Method } from '../contract.js'
import type { KeyOf } from '../messaging.js'
import { type Outcome, outcomeSchema, resultOf } from '../outcome.js'
import { openMessage, sealMessage } from '../sealed/envelope.js'
import type { Refusals } from '../sealed/refusals.js'

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

/** A caller under one name; its numbers and what it learns live as long as it does. */
export function guestCaller(
  sender: string,
  keyOf: KeyOf,
  names: QueueNames,
  refusals: Refusals,
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
      const outcome = await calls.send({
        queue: names.commands(instanceId, method.lane),
        timeoutMs,
        what: `${name} on instance ${instanceId}`,
        persistent: true,
        seal: (messageId) => seal(instanceId, name, method, params, messageId),
        accept: (bytes, messageId) => open(instanceId, name, messageId, bytes),
        ...(signal ? { signal } : {}),
      })
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

  /** Only the answer to this very message: an earlier one that is sent again must not pass for it. */
  function open(instanceId: InstanceId, name: string, messageId: string, bytes: Buffer): Outcome | undefined {
    const opened = openMessage(bytes, 'answer', (id) => (id === instanceId ? keyOf(id) : undefined))
    const facts = { instanceId, method: name }
    if (typeof opened === 'string') return refusals.refuse(`an answer is ${opened}`, facts)
    const { header, payload } = opened
    if (header.messageId !== messageId || header.method !== name || header.to !== sender)
      return refusals.refuse('an answer is to another command', facts)
    const outcome = outcomeSchema.safeParse(payload)
    return outcome.success ? outcome.data : refusals.refuse('an answer makes no sense', facts)
  }
}
