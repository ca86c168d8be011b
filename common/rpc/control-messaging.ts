import { randomUUID } from 'node:crypto'
import type { ConfirmChannel } from 'amqplib'
import { type Clock, systemClock } from '../clock.js'
import { guestAgent } from '../contracts/guestagent.js'
import { ringSchema } from '../contracts/taskmanager.js'
import type { InstanceId } from '../domain/instance.js'
import { RedtroveError } from '../errors.js'
import type { Logger } from '../log.js'
import { type Calls, openCalls } from './calls.js'
import { consumeControl } from './consume-control.js'
import type { Client } from './contract.js'
import { type GuestCaller, guestCaller } from './guest-caller.js'
import type { ControlMessaging, KeyOf, MessagingOptions } from './messaging.js'
import { declareCommands, declareRings, LANES, queueNames } from './queues.js'
import { openSession } from './session.js'

export interface ControlOptions extends MessagingOptions {
  readonly keyOf: KeyOf
  readonly log: Logger
  readonly clock?: Clock
  /** False for a program that only rings: nothing is taken from any queue. */
  readonly consume?: boolean
  /** First word of every queue's name; services that share a broker need different ones. */
  readonly prefix?: string
}

interface Channels {
  readonly publish: ConfirmChannel
  readonly calls: Calls
}

/** Opens the control plane's side and returns at once; it connects, and reconnects, by itself. */
export function openControlMessaging(options: ControlOptions): ControlMessaging {
  const { log, clock = systemClock, keyOf } = options
  const names = queueNames(options.prefix ?? 'redtrove')
  const caller: GuestCaller = guestCaller(`control-${randomUUID()}`, keyOf, names, log, clock)
  const session = openSession<Channels>({
    url: options.url,
    name: 'control: calls',
    log,
    clock,
    setup: async (connection, lost) => {
      const publish = await connection.createConfirmChannel()
      publish.on('error', lost)
      publish.on('close', () => lost(new Error('the channel was closed')))
      await declareRings(publish, names)
      return { publish, calls: await openCalls(publish) }
    },
    onLost: ({ calls }) => calls.abandon('was cut off: the broker went away'),
  })
  const intake = consumeControl({ ...options, clock, names, caller })

  return {
    connected: () => session.current() !== undefined && intake.connected(),
    waitConnected: async (timeoutMs) => {
      await Promise.all([session.waitConnected(timeoutMs), intake.waitConnected(timeoutMs)])
    },
    ring: async (operationId) => {
      const body = Buffer.from(JSON.stringify(ringSchema.parse({ operationId })))
      await confirmed(channels().publish, names.rings, body)
    },
    onRing: intake.onRing,
    onReport: intake.onReport,
    onQuestion: intake.onQuestion,
    guest: (instanceId) => clientOf(instanceId),
    declareGuest: (instanceId) => declareCommands(channels().publish, names, instanceId),
    removeGuest: async (instanceId) => {
      for (const lane of LANES) await channels().publish.deleteQueue(names.commands(instanceId, lane))
      caller.forget(instanceId)
    },
    close: async () => {
      await Promise.all([session.close(), intake.close()])
    },
  }

  function channels(): Channels {
    const current = session.current()
    if (!current) throw new RedtroveError('unavailable', 'The message broker is away; try again in a moment.')
    return current
  }

  function clientOf(instanceId: InstanceId): Client<typeof guestAgent> {
    const entries = Object.entries(guestAgent).map(([name, method]) => [
      name,
      async (params: unknown, { signal }: { signal?: AbortSignal } = {}) =>
        caller.call(channels().calls, instanceId, name, method, params, signal),
    ])
    // Made from the contract's own entries, so it has every method; each result was parsed by the contract's schema.
    return Object.fromEntries(entries) as Client<typeof guestAgent>
  }
}

/** Publishes and waits until the broker has it on disk. */
function confirmed(channel: ConfirmChannel, queue: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = () =>
      reject(new RedtroveError('unavailable', 'The message broker did not take the message.'))
    try {
      channel.publish('', queue, body, { persistent: true }, (error) => (error ? refused() : resolve()))
    } catch {
      refused()
    }
  })
}
