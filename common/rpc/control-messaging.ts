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
import { openConfirmChannel } from './open-channel.js'
import { declareCommands, declareRings, LANES, queueNames } from './queues.js'
import { openRefusals, type Refused } from './refusals.js'
import { openSession } from './session.js'

/** Who the control plane is to the broker and to its guests. */
export interface ControlOptions extends MessagingOptions {
  readonly keyOf: KeyOf
  readonly log: Logger
  readonly clock?: Clock
  /** False for a program that only rings: nothing is taken from any queue. */
  readonly consume?: boolean
}

/** A ring is only a ring: whoever waits longer for it had better let the sweeper find the row. */
const RING_MS_MAX = 5_000

interface Channels {
  readonly publish: ConfirmChannel
  readonly calls: Calls
}

/** Opens the control plane's side and returns at once; it connects, and reconnects, by itself. */
export function openControlMessaging(options: ControlOptions): ControlMessaging & Refused {
  const { log, clock = systemClock, keyOf } = options
  const names = queueNames(options.prefix ?? 'redtrove')
  const refusals = openRefusals(log)
  const caller: GuestCaller = guestCaller(`control-${randomUUID()}`, keyOf, names, refusals, clock)
  const session = openSession<Channels>({
    url: options.url,
    ...(options.caFile ? { caFile: options.caFile } : {}),
    name: 'control: calls',
    log,
    clock,
    setup: async (connection, lost) => {
      const publish = await openConfirmChannel(connection, lost, 'calls')
      await declareRings(publish, names)
      return { publish, calls: await openCalls(publish) }
    },
    onLost: ({ calls }) => calls.abandon(),
  })
  const intake = consumeControl({ ...options, clock, names, caller, refusals })

  return {
    connected: () => session.current() !== undefined && intake.connected(),
    waitConnected: async (timeoutMs) => {
      await Promise.all([session.waitConnected(timeoutMs), intake.waitConnected(timeoutMs)])
    },
    ring: async (operationId) => {
      const body = Buffer.from(JSON.stringify(ringSchema.parse({ operationId })))
      await channels().calls.post(names.rings, body, 'The ring', RING_MS_MAX)
    },
    refused: refusals.count,
    onRing: intake.onRing,
    onReport: intake.onReport,
    onQuestion: intake.onQuestion,
    guest: (instanceId) => clientOf(instanceId),
    declareGuest: (instanceId) => onQueues((channel) => declareCommands(channel, names, instanceId)),
    removeGuest: async (instanceId) => {
      caller.forget(instanceId)
      await onQueues(async (channel) => {
        for (const lane of LANES) await channel.deleteQueue(names.commands(instanceId, lane))
      })
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

  async function onQueues(act: (channel: ConfirmChannel) => Promise<void>): Promise<void> {
    const { publish } = channels()
    await act(publish).catch((cause: unknown) => {
      const sentence = 'The message broker did not make or remove the queues of an instance; try again.'
      throw new RedtroveError('unavailable', sentence, { cause })
    })
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
