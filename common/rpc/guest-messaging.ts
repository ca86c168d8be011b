import { randomUUID } from 'node:crypto'
import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib'
import { type Clock, systemClock } from '../clock.js'
import { guestAgent } from '../contracts/guestagent.js'
import { taskmanagerQuestions } from '../contracts/taskmanager.js'
import type { InstanceId } from '../domain/instance.js'
import { RedtroveError } from '../errors.js'
import type { Logger } from '../log.js'
import { openAdmission } from './admission.js'
import { type Calls, openCalls } from './calls.js'
import type { Client, Handlers, Method } from './contract.js'
import { type Header, openMessage, sealMessage } from './envelope.js'
import type { GuestMessaging, MessagingOptions } from './messaging.js'
import { type Outcome, outcomeOf, outcomeSchema, resultOf } from './outcome.js'
import { declareCommands, declareQuestions, declareReports, LANES, queueNames } from './queues.js'
import { openSession } from './session.js'

export interface GuestOptions extends MessagingOptions {
  readonly instanceId: InstanceId
  /** The instance's 32-byte key. */
  readonly key: Buffer
  /** Random name of this start of the agent. */
  readonly bootId: string
  readonly log: Logger
  readonly clock?: Clock
  readonly prefix?: string
}

interface Channels {
  readonly up: ConfirmChannel
  readonly calls: Calls
}

/** Control calls one at a time, in order; looks beside them. */
const AT_ONCE: Record<Method['lane'], number> = { control: 1, query: 4 }
const TICK_MS = 500

/** Opens a guest agent's side and returns at once; it connects, and reconnects, by itself. */
export function openGuestMessaging(options: GuestOptions): GuestMessaging {
  const { log, clock = systemClock, instanceId, key, bootId } = options
  const names = queueNames(options.prefix ?? 'redtrove')
  const admission = openAdmission(clock)
  const ticking = setInterval(admission.tick, TICK_MS)
  const whenConnected: (() => void)[] = []
  let handlers: Handlers<typeof guestAgent> | undefined
  let seq = 0
  const session = openSession<Channels>({
    url: options.url,
    name: `guest ${instanceId}`,
    log,
    clock,
    setup,
    onLost: ({ calls }) => {
      admission.renew()
      calls.abandon('was cut off: the broker went away')
    },
    onConnected: () => {
      for (const handler of whenConnected) handler()
    },
  })
  return {
    connected: () => session.current() !== undefined,
    serve: (given) => {
      handlers = given
    },
    report: (observation) => {
      const channel = session.current()?.up
      seq += 1
      if (channel)
        publishQuietly(
          channel,
          names.reports,
          seal('report', 'observed', bootId, { bootId, seq, observation }),
        )
    },
    ask: askClient(),
    onConnected: (handler) => {
      whenConnected.push(handler)
      if (session.current()) handler()
    },
    close: async () => {
      clearInterval(ticking)
      await session.close()
    },
  }

  async function setup(connection: ChannelModel, lost: (why: Error) => void): Promise<Channels> {
    const up = await connection.createConfirmChannel()
    watch(up, lost)
    await declareReports(up, names)
    await declareQuestions(up, names)
    await declareCommands(up, names, instanceId)
    for (const lane of LANES) await consumeLane(connection, lane, lost)
    return { up, calls: await openCalls(up) }
  }

  async function consumeLane(
    connection: ChannelModel,
    lane: Method['lane'],
    lost: (why: Error) => void,
  ): Promise<void> {
    const channel = await connection.createChannel()
    watch(channel, lost)
    await channel.prefetch(AT_ONCE[lane])
    await channel.consume(names.commands(instanceId, lane), (message) => {
      if (!message) return lost(new Error('our command queue was deleted'))
      void command(channel, lane, message)
    })
  }

  /** Acknowledged when it is answered: one that was under way when the agent died comes again, to another incarnation. */
  async function command(channel: Channel, lane: Method['lane'], message: ConsumeMessage): Promise<void> {
    const answer = await answerTo(lane, message)
    try {
      if (answer && message.properties.replyTo) {
        channel.publish('', message.properties.replyTo, answer, {
          correlationId: message.properties.correlationId,
        })
      }
      channel.ack(message)
    } catch {
      // The channel died meanwhile; the caller was told so by its own side.
    }
  }

  async function answerTo(lane: Method['lane'], message: ConsumeMessage): Promise<Buffer | undefined> {
    const opened = openMessage(message.content, 'command', (id) => (id === instanceId ? key : undefined))
    if (typeof opened === 'string') {
      log.warn({ why: opened }, 'dropped a command that is not authentic')
      return undefined
    }
    const { header, payload } = opened
    const verdict = admission.judge(header, lane)
    if (verdict === 'replayed') {
      log.warn({ method: header.method }, 'dropped a command that came before')
      return undefined
    }
    const outcome: Outcome =
      verdict === 'stranger'
        ? { incarnation: admission.incarnation() }
        : await carryOut(lane, header, payload)
    return sealMessage(
      key,
      { ...header, kind: 'answer', from: admission.incarnation(), to: header.from, seq: 0 },
      outcome,
    )
  }

  async function carryOut(lane: Method['lane'], header: Header, payload: unknown): Promise<Outcome> {
    const entry = Object.entries(guestAgent).find(
      ([name, method]) => name === header.method && method.lane === lane,
    )
    const known: Record<string, (params: never) => Promise<unknown>> = handlers ?? {}
    const handler = known[header.method]
    if (!entry || !handler)
      return { ok: false, kind: 'unavailable', message: `The agent does not serve ${header.method} now.` }
    // The parameters were parsed by this method's own schema.
    return outcomeOf(entry[1], payload, (params) => handler(params as never), log)
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
    const bytes = await calls.send({
      queue: names.questions,
      timeoutMs: method.timeoutMs,
      what: `The question ${name}`,
      seal: (messageId) => seal('question', name, bootId, params, messageId),
      ...(signal ? { signal } : {}),
    })
    const opened = openMessage(bytes, 'reply', (id) => (id === instanceId ? key : undefined))
    if (typeof opened === 'string' || opened.header.method !== name) {
      throw new RedtroveError('guest_failed', `The reply to ${name} is not authentic.`)
    }
    const outcome = outcomeSchema.parse(opened.payload)
    if ('incarnation' in outcome)
      throw new RedtroveError('guest_failed', `The reply to ${name} makes no sense.`)
    return resultOf(method, outcome)
  }

  /** Reports bear the incarnation as sender, which spares the control plane a trip when it calls next. */
  function seal(
    kind: 'report' | 'question',
    method: string,
    from: string,
    payload: unknown,
    messageId: string = randomUUID(),
  ): Buffer {
    const sender = kind === 'report' ? admission.incarnation() : from
    return sealMessage(key, { kind, instanceId, method, messageId, from: sender, to: null, seq }, payload)
  }
}

function watch(channel: Channel, lost: (why: Error) => void): void {
  channel.on('error', lost)
  channel.on('close', () => lost(new Error('a channel was closed')))
}

/** A report that cannot be sent is as good as none: the next one is newer. */
function publishQuietly(channel: Channel, queue: string, bytes: Buffer): void {
  try {
    channel.publish('', queue, bytes, { persistent: false })
  } catch {
    // The channel died; the session notices by itself.
  }
}
