import { randomUUID } from 'node:crypto'
import type { Channel, ChannelModel } from 'amqplib'
import { type Clock, systemClock } from '../../common/clock.js'
import { RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { Observation } from '../../domain/instance/observation.js'
import { type Calls, openCalls } from '../broker/calls.js'
import { answerFrom, openChannel, openConfirmChannel } from '../broker/channel.js'
import { LANES, queueNames, UP } from '../broker/queues.js'
import { openSession } from '../broker/session.js'
import type { Client, Method } from '../contract.js'
import { taskmanagerQuestions } from '../control/questions.js'
import type { GuestMessaging, MessagingOptions } from '../messaging.js'
import { type Outcome, outcomeSchema, resultOf } from '../outcome.js'
import { openAdmission } from '../sealed/admission.js'
import { openMessage, sealMessage } from '../sealed/envelope.js'
import { openRefusals, type Refused } from '../sealed/refusals.js'
import { openGuestServer } from './listener.js'

/** Which instance this agent speaks for. */
export interface GuestOptions extends MessagingOptions {
  readonly instanceId: InstanceId
  /** The instance's 32-byte key. */
  readonly key: Buffer
  /** Random name of this start of the agent. */
  readonly bootId: string
  readonly log: Logger
  readonly clock?: Clock
}

interface Channels {
  readonly calls: Calls
  readonly lanes: Readonly<Record<Method['lane'], Channel>>
  readonly reports: Channel
  readonly lost: (why: Error) => void
  /** The socket is full: reports are dropped until it drains. */
  full: boolean
  /** Commands are taken, or about to be. */
  taking: boolean
}

/** Control calls one at a time, in order; looks beside them. */
const AT_ONCE: Record<Method['lane'], number> = { control: 1, query: 4 }
/** Each tick wakes an agent that may be one of hundreds at rest. */
const TICK_MS = 1_000

/**
 * Opens a guest agent's side and returns at once; it connects, and reconnects, by itself. Commands are taken from when `serve`
 * is called; until then they wait in their queues, which the control plane has made: a guest may declare nothing.
 */
export function openGuestMessaging(options: GuestOptions): GuestMessaging & Refused {
  const { log, clock = systemClock, instanceId, key, bootId } = options
  const names = queueNames(options.prefix ?? 'redtrove')
  const admission = openAdmission(clock)
  const refusals = openRefusals(log)
  const server = openGuestServer({ instanceId, key, admission, refusals, log })
  const ticking = setInterval(admission.tick, TICK_MS)
  const whenConnected: (() => void)[] = []
  let present: Channels | undefined
  let serving = false
  let seq = 0
  const session = openSession<Channels>({
    url: options.url,
    ...(options.caFile ? { caFile: options.caFile } : {}),
    name: `guest ${instanceId}`,
    log,
    clock,
    setup,
    onLost: ({ calls }) => {
      present = undefined
      // Whatever is sealed while we are away may be older than its caller's patience.
      admission.renew()
      calls.abandon()
    },
    onConnected: (channels) => {
      present = channels
      // Told to serve while the channels were being made.
      if (serving && !channels.taking) takeCommands(channels).catch(channels.lost)
      for (const handler of whenConnected) handler()
    },
  })
  return {
    connected: () => session.current() !== undefined,
    refused: refusals.count,
    serve: (handlers) => {
      server.serve(handlers)
      if (!serving && present) takeCommands(present).catch(present.lost)
      serving = true
    },
    report,
    ask: askClient(),
    onConnected: (handler) => {
      whenConnected.push(handler)
      if (present) handler()
    },
    close: async () => {
      clearInterval(ticking)
      await session.close()
    },
  }

  async function setup(connection: ChannelModel, lost: (why: Error) => void): Promise<Channels> {
    // Side by side: a fleet that comes back to its broker waits for each other's round trips anyway.
    const [up, control, query, reports] = await Promise.all([
      openConfirmChannel(connection, lost, 'questions'),
      openChannel(connection, lost, 'control commands'),
      openChannel(connection, lost, 'queries'),
      openChannel(connection, lost, 'reports'),
    ])
    const channels: Channels = {
      calls: await openCalls(up),
      lanes: { control, query },
      reports,
      lost,
      full: false,
      taking: false,
    }
    // Connected means that commands are taken.
    if (serving) await takeCommands(channels)
    channels.reports.on('drain', () => {
      channels.full = false
    })
    return channels
  }

  async function takeCommands(channels: Channels): Promise<void> {
    const { lanes, lost } = channels
    channels.taking = true
    const take = (lane: Method['lane']) =>
      answerFrom(
        lanes[lane],
        { queue: names.commands(instanceId, lane), exchange: names.up, atOnce: AT_ONCE[lane] },
        lost,
        ({ content, fields }) => server.receive({ lane, bytes: content, redelivered: fields.redelivered }),
      )
    await Promise.all(LANES.map(take))
  }

  /** A report that cannot be sent is as good as none: the next one is newer. */
  function report(observation: Observation): void {
    seq += 1
    const channels = session.current()
    if (!channels || channels.full) return
    // Bears the incarnation as sender, which spares the control plane a trip when it calls next.
    const bytes = seal('report', 'observed', admission.incarnation(), { bootId, seq, observation })
    try {
      channels.full = !channels.reports.publish(names.up, UP.reports, bytes, { persistent: false })
    } catch {
      // The channel died; the session notices by itself.
    }
  }

  function askClient(): Client<typeof taskmanagerQuestions> {
    const entries = Object.entries(taskmanagerQuestions).map(([name, method]) => [
      name,
      (params: unknown, { signal }: { signal?: AbortSignal } = {}) => ask(name, method, params, signal),
    ])
    // Made from the contract's own entries; each result was parsed by the contract's schema.
    return Object.fromEntries(entries) as Client<typeof taskmanagerQuestions>
  }

  async function ask(name: string, method: Method, params: unknown, signal?: AbortSignal): Promise<unknown> {
    const calls = session.current()?.calls
    if (!calls) throw new RedtroveError('unavailable', 'The message broker is away.')
    const outcome = await calls.send({
      exchange: names.up,
      queue: UP.questions,
      timeoutMs: method.timeoutMs,
      what: `The question ${name}`,
      persistent: false,
      seal: (messageId) => seal('question', name, bootId, params, messageId),
      accept: (bytes, messageId) => openReply(bytes, messageId, name),
      ...(signal ? { signal } : {}),
    })
    return resultOf(method, outcome)
  }

  function openReply(
    bytes: Buffer,
    messageId: string,
    name: string,
  ): Exclude<Outcome, { incarnation: string }> | undefined {
    const opened = openMessage(bytes, 'reply', (id) => (id === instanceId ? key : undefined))
    if (typeof opened === 'string') return refusals.refuse(`a reply is ${opened}`)
    if (opened.header.messageId !== messageId || opened.header.method !== name)
      return refusals.refuse('a reply is to another question')
    const outcome = outcomeSchema.safeParse(opened.payload).data
    return outcome && 'ok' in outcome ? outcome : refusals.refuse('a reply makes no sense')
  }

  function seal(
    kind: 'report' | 'question',
    method: string,
    from: string,
    payload: unknown,
    messageId: string = randomUUID(),
  ): Buffer {
    return sealMessage(key, { kind, instanceId, method, messageId, from, to: null, seq }, payload)
  }
}
