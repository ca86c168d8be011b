import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../../common/clock.js'
import { messageOf, RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import { type GuestCaller, guestCaller } from '../agent/caller.js'
import { guestAgent } from '../agent/commands.js'
import type { BrokerAccounts } from '../broker/accounts.js'
import { type Calls, openCalls } from '../broker/calls.js'
import { openConfirmChannel } from '../broker/channel.js'
import { type Declarer, openDeclarer } from '../broker/declare.js'
import { declareAnnouncements, declareAnswers, declareCommands, LANES, queueNames } from '../broker/queues.js'
import { openSession } from '../broker/session.js'
import type { Client } from '../contract.js'
import type { ControlMessaging, KeyOf, MessagingOptions } from '../messaging.js'
import { openRefusals, type Refused } from '../sealed/refusals.js'
import { consumeControl } from './consume.js'
import { announcementSchema } from './questions.js'

/** Who the control plane is to the broker and to its guests. */
export interface ControlOptions extends MessagingOptions {
  readonly keyOf: KeyOf
  readonly log: Logger
  readonly clock?: Clock
  /** Makes each guest's user of the broker; without it all guests share this account. */
  readonly accounts?: BrokerAccounts
  /** False for a program that only announces: nothing is taken from any queue. */
  readonly consume?: boolean
}

/** An announcement saves the wait for a sweep, and nothing else: a caller does not wait longer than this for it. */
const ANNOUNCE_MS_MAX = 5_000

interface Channels {
  readonly own: Declarer
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
      const own = openDeclarer(connection, log)
      await own.up(names)
      // A queue that cannot be had is no reason to hold up calls: an operation whose announcement is lost is found by a sweep.
      await own
        .queue(names.announcements, (on) => declareAnnouncements(on, names))
        .catch((error) => log.error({ reason: messageOf(error) }, 'announcements are not heard'))
      const publish = await openConfirmChannel(connection, lost, 'calls')
      return { own, calls: await openCalls(publish, await declareAnswers(publish, names)) }
    },
    onLost: ({ calls }) => calls.abandon(),
  })
  const intake = consumeControl({ ...options, clock, names, caller, refusals })

  return {
    connected: () => session.current() !== undefined && intake.connected(),
    waitConnected: async (timeoutMs) => {
      await Promise.all([session.waitConnected(timeoutMs), intake.waitConnected(timeoutMs)])
    },
    announce: async (operationId) => {
      const body = Buffer.from(JSON.stringify(announcementSchema.parse({ operationId })))
      await channels().calls.post(names.announcements, body, 'The announcement', ANNOUNCE_MS_MAX)
    },
    refused: refusals.count,
    onAnnounced: intake.onAnnounced,
    onReport: intake.onReport,
    onQuestion: intake.onQuestion,
    guest: (instanceId) => clientOf(instanceId),
    declareGuest: async (instanceId) => {
      const { own } = channels()
      for (const queue of queuesOf(instanceId)) await own.queue(queue, (on) => declareCommands(on, queue))
      return (await options.accounts?.have(instanceId)) ?? null
    },
    removeGuest: async (instanceId) => {
      caller.forget(instanceId)
      const { own } = channels()
      for (const queue of queuesOf(instanceId)) await own.remove(queue)
      await options.accounts?.forget(instanceId)
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

  function queuesOf(instanceId: InstanceId): readonly string[] {
    return LANES.map((lane) => names.commands(instanceId, lane))
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
