import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { Clock } from '../../common/clock.js'
import type { Logger } from '../../common/log.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import { type Report, reportSchema } from '../../domain/instance/report.js'
import type { GuestCaller } from '../agent/caller.js'
import { answerFrom, openChannel, takeFrom } from '../broker/channel.js'
import { openDeclarer } from '../broker/declare.js'
import { declareAnnouncements, declareQuestions, declareReports, type QueueNames } from '../broker/queues.js'
import { type BrokerUrl, openSession } from '../broker/session.js'
import type { Handlers } from '../contract.js'
import type { ControlMessaging, KeyOf } from '../messaging.js'
import { type Outcome, outcomeOf } from '../outcome.js'
import { type OpenedMessage, openMessage, sealMessage } from '../sealed/envelope.js'
import type { Refusals } from '../sealed/refusals.js'
import { announcementSchema, taskmanagerQuestions } from './questions.js'

type HandlersFor = (instanceId: InstanceId) => Handlers<typeof taskmanagerQuestions>
export type Intake = Pick<
  ControlMessaging,
  'connected' | 'waitConnected' | 'onAnnounced' | 'onReport' | 'onQuestion' | 'close'
>

/** What the intake shares with the sending side, and its own switch. */
export interface IntakeOptions {
  readonly url: BrokerUrl
  readonly caFile?: string
  readonly keyOf: KeyOf
  readonly log: Logger
  readonly clock: Clock
  readonly names: QueueNames
  readonly caller: GuestCaller
  readonly refusals: Refusals
  readonly consume?: boolean
}

/** Questions that one taskmanager answers at once. */
const QUESTIONS_AT_ONCE = 32

/**
 * What comes up to the control plane, on a connection of its own so that a flood of reports does not hold up commands. Announcements and
 * reports are taken at once: the row is the order, and the newest report counts.
 */
export function consumeControl(options: IntakeOptions): Intake {
  const { log, names, keyOf, caller, refusals } = options
  let onAnnounced: (operationId: string) => void = () => undefined
  let onReport: (report: Report) => void = () => undefined
  let handlersFor: HandlersFor | undefined
  const session =
    options.consume === false
      ? undefined
      : openSession<Channel>({ ...options, name: 'control: intake', setup: consumeAll })
  return {
    connected: () => !session || session.current() !== undefined,
    waitConnected: async (timeoutMs) => session?.waitConnected(timeoutMs),
    onAnnounced: (handler) => {
      onAnnounced = handler
    },
    onReport: (handler) => {
      onReport = handler
    },
    onQuestion: (handlers) => {
      handlersFor = handlers
    },
    close: async () => session?.close(),
  }

  async function consumeAll(connection: ChannelModel, lost: (why: Error) => void): Promise<Channel> {
    const channel = await openChannel(connection, lost, 'announcements and reports')
    const own = openDeclarer(connection, log)
    await own.up(names)
    await own.queue(names.announcements, (on) => declareAnnouncements(on, names))
    await own.queue(names.reports, (on) => declareReports(on, names))
    await own.queue(names.questions, (on) => declareQuestions(on, names))
    await takeFrom(channel, names.announcements, lost, guarded(announcement))
    await takeFrom(channel, names.reports, lost, guarded(report))
    const questions = await openChannel(connection, lost, 'questions')
    await answerFrom(questions, { queue: names.questions, atOnce: QUESTIONS_AT_ONCE }, lost, question)
    return channel
  }

  /** A handler that throws is a bug of ours; it must not take the session down. */
  function guarded(take: (message: ConsumeMessage) => void): (message: ConsumeMessage) => void {
    return (message) => {
      try {
        take(message)
      } catch (error) {
        log.error({ err: error }, 'a handler failed unexpectedly')
      }
    }
  }

  function announcement(message: ConsumeMessage): void {
    const parsed = announcementSchema.safeParse(parseJson(message.content))
    if (parsed.success) onAnnounced(parsed.data.operationId)
    else refusals.refuse('an announcement makes no sense')
  }

  function report(message: ConsumeMessage): void {
    const opened = open(message, 'report')
    if (!opened) return
    const payload = typeof opened.payload === 'object' ? opened.payload : {}
    const parsed = reportSchema.safeParse({ ...payload, instanceId: opened.header.instanceId })
    const { instanceId, from } = opened.header
    if (!parsed.success) {
      refusals.refuse('a report does not fit the contract', { instanceId })
      return
    }
    caller.learn(instanceId, from)
    onReport(parsed.data)
  }

  async function question(message: ConsumeMessage): Promise<Buffer | undefined> {
    const opened = open(message, 'question')
    if (!opened) return undefined
    const { header } = opened
    const reply = { ...header, kind: 'reply', from: 'control', to: header.from, seq: 0 } as const
    return sealMessage(keyOf(header.instanceId), reply, await answerTo(opened))
  }

  async function answerTo({ header, payload }: OpenedMessage): Promise<Outcome> {
    const method = Object.entries(taskmanagerQuestions).find(([name]) => name === header.method)
    if (!method || !handlersFor)
      return { ok: false, kind: 'unavailable', message: 'Nobody answers this question now.' }
    const answering = handlersFor
    return outcomeOf(
      method[1],
      payload,
      async (params) => {
        const handlers: Record<string, (params: never) => Promise<unknown>> = answering(header.instanceId)
        // The parameters were parsed by this method's own schema.
        return handlers[header.method]?.(params as never)
      },
      log,
    )
  }

  function open(message: ConsumeMessage, kind: 'report' | 'question'): OpenedMessage | undefined {
    const opened = openMessage(message.content, kind, keyOf)
    if (typeof opened !== 'string') return opened
    return refusals.refuse(`a ${kind} is ${opened}`)
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
