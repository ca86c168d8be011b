import type { Channel, ConsumeMessage } from 'amqplib'
import type { Clock } from '../clock.js'
import { type Report, reportSchema, ringSchema, taskmanagerQuestions } from '../contracts/taskmanager.js'
import type { InstanceId } from '../domain/instance.js'
import type { Logger } from '../log.js'
import type { Handlers } from './contract.js'
import { type OpenedMessage, openMessage, sealMessage } from './envelope.js'
import type { GuestCaller } from './guest-caller.js'
import type { ControlMessaging, KeyOf } from './messaging.js'
import { type Outcome, outcomeOf } from './outcome.js'
import { declareQuestions, declareReports, declareRings, type QueueNames } from './queues.js'
import { openSession } from './session.js'

type HandlersFor = (instanceId: InstanceId) => Handlers<typeof taskmanagerQuestions>
export type Intake = Pick<
  ControlMessaging,
  'connected' | 'waitConnected' | 'onRing' | 'onReport' | 'onQuestion' | 'close'
>

export interface IntakeOptions {
  readonly url: string
  readonly keyOf: KeyOf
  readonly log: Logger
  readonly clock: Clock
  readonly names: QueueNames
  readonly caller: GuestCaller
  readonly consume?: boolean
}

/** Questions that one taskmanager answers at once. */
const QUESTIONS_AT_ONCE = 32

/**
 * What comes up to the control plane, on a connection of its own so that a flood of reports does not hold up commands. Rings and
 * reports are taken at once: the row is the order, and the newest report counts.
 */
export function consumeControl(options: IntakeOptions): Intake {
  const { log, names, keyOf, caller } = options
  let onRing: (operationId: string) => void = () => undefined
  let onReport: (report: Report) => void = () => undefined
  let handlersFor: HandlersFor | undefined
  const session =
    options.consume === false
      ? undefined
      : openSession<Channel>({ ...options, name: 'control: intake', setup: consumeAll })
  return {
    connected: () => !session || session.current() !== undefined,
    waitConnected: async (timeoutMs) => session?.waitConnected(timeoutMs),
    onRing: (handler) => {
      onRing = handler
    },
    onReport: (handler) => {
      onReport = handler
    },
    onQuestion: (handlers) => {
      handlersFor = handlers
    },
    close: async () => session?.close(),
  }

  async function consumeAll(
    connection: { createChannel(): Promise<Channel> },
    lost: (why: Error) => void,
  ): Promise<Channel> {
    const channel = await connection.createChannel()
    channel.on('error', lost)
    channel.on('close', () => lost(new Error('the channel was closed')))
    await declareRings(channel, names)
    await declareReports(channel, names)
    await declareQuestions(channel, names)
    const take = (queue: string, handler: (message: ConsumeMessage) => void) =>
      channel.consume(
        queue,
        (message) => (message ? handler(message) : lost(new Error(`queue ${queue} was deleted`))),
        { noAck: true },
      )
    await channel.prefetch(QUESTIONS_AT_ONCE)
    await take(names.rings, ring)
    await take(names.reports, report)
    await take(names.questions, (message) => void question(channel, message))
    return channel
  }

  function ring(message: ConsumeMessage): void {
    const parsed = ringSchema.safeParse(parseJson(message.content))
    if (parsed.success) onRing(parsed.data.operationId)
    else log.warn('dropped a ring that makes no sense')
  }

  function report(message: ConsumeMessage): void {
    const opened = open(message, 'report')
    if (!opened) return
    const payload = typeof opened.payload === 'object' ? opened.payload : {}
    const parsed = reportSchema.safeParse({ ...payload, instanceId: opened.header.instanceId })
    if (!parsed.success) {
      log.warn({ instanceId: opened.header.instanceId }, 'dropped a report that does not fit the contract')
      return
    }
    caller.learn(opened.header.instanceId, opened.header.from)
    onReport(parsed.data)
  }

  async function question(channel: Channel, message: ConsumeMessage): Promise<void> {
    const opened = open(message, 'question')
    if (!opened || !message.properties.replyTo) return
    const { header } = opened
    const outcome = await answerTo(opened)
    const bytes = sealMessage(
      keyOf(header.instanceId),
      { ...header, kind: 'reply', from: header.to ?? 'control', to: header.from, seq: 0 },
      outcome,
    )
    try {
      channel.publish('', message.properties.replyTo, bytes, {
        correlationId: message.properties.correlationId,
      })
    } catch {
      // The channel died meanwhile; the guest asks again.
    }
  }

  async function answerTo({ header, payload }: OpenedMessage): Promise<Outcome> {
    const method = Object.entries(taskmanagerQuestions).find(([name]) => name === header.method)
    if (!method || !handlersFor)
      return { ok: false, kind: 'unavailable', message: 'Nobody answers this question now.' }
    const handlers: Record<string, (params: never) => Promise<unknown>> = handlersFor(header.instanceId)
    const handler = handlers[header.method]
    if (!handler) return { ok: false, kind: 'bad_request', message: `There is no question ${header.method}.` }
    // The parameters were parsed by this method's own schema.
    return outcomeOf(method[1], payload, (params) => handler(params as never), log)
  }

  function open(message: ConsumeMessage, kind: 'report' | 'question'): OpenedMessage | undefined {
    const opened = openMessage(message.content, kind, keyOf)
    if (typeof opened !== 'string') return opened
    log.warn({ kind, why: opened }, 'dropped a message that is not authentic')
    return undefined
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
