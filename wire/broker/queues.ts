import { randomUUID } from 'node:crypto'
import type { Channel } from 'amqplib'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { Method } from '../contract.js'

/** Each instance has a queue per lane. */
export const LANES = ['control', 'query'] as const satisfies readonly Method['lane'][]

/** Commands that wait for one guest; more than this and its agent is not working them off. */
const COMMANDS_MAX = 256
const REPORTS_MAX = 10_000
const QUESTIONS_MAX = 10_000
const ANSWERS_MAX = 10_000

/** Where messages that were published to the exchange `up` go. */
export const UP = { reports: 'reports', questions: 'questions' } as const
/** Header of a command: the key under which its answer is published to `up`. */
export const ANSWER_TO = 'answer-to'
const ANSWER_KEY = /^answers\.[0-9a-f-]{36}$/

/** Names of all queues of one service, and of the one exchange that its guests may write to. */
export function queueNames(prefix: string) {
  return {
    up: `${prefix}.up`,
    announcements: `${prefix}.rings`,
    reports: `${prefix}.reports`,
    questions: `${prefix}.questions`,
    commands: (instanceId: InstanceId, lane: Method['lane']) => `${prefix}.guest.${instanceId}.${lane}`,
  }
}
export type QueueNames = ReturnType<typeof queueNames>

/** The key of a command's header, when it is one of ours: nobody can make a guest publish anywhere else. */
export function answerKeyOf(headers: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const key = String(headers?.[ANSWER_TO])
  return ANSWER_KEY.test(key) ? key : undefined
}

/** The exchange through which guests reach the control plane. Repeatable. */
export async function declareUp(channel: Channel, names: QueueNames): Promise<void> {
  await channel.assertExchange(names.up, 'direct', { durable: true })
}

/** A queue for the answers to this connection's commands, gone with it; answers with the key that leads there. */
export async function declareAnswers(
  channel: Channel,
  names: QueueNames,
): Promise<{ readonly queue: string; readonly key: string }> {
  // Another name for each connection: the broker may not have noticed yet that the one before is gone.
  const key = `answers.${randomUUID()}`
  const { queue } = await channel.assertQueue(`${names.up}.${key}`, {
    exclusive: true,
    durable: false,
    autoDelete: true,
    arguments: { 'x-max-length': ANSWERS_MAX },
  })
  await channel.bindQueue(queue, names.up, key)
  return { queue, key }
}

/** One lane of an instance. A full lane refuses the newest, so the caller knows at once. Repeatable. */
export async function declareCommands(channel: Channel, queue: string): Promise<void> {
  await channel.assertQueue(queue, {
    durable: true,
    arguments: { 'x-max-length': COMMANDS_MAX, 'x-overflow': 'reject-publish' },
  })
}

/** Doorbells; durable, so that one rung while no taskmanager runs is heard by the next. */
export async function declareAnnouncements(channel: Channel, names: QueueNames): Promise<void> {
  await channel.assertQueue(names.announcements, { durable: true })
}

/**
 * Reports: the oldest make room, since only the newest of a guest matters. The queue outlives the broker (queues that do not
 * are on their way out of RabbitMQ), its messages do not.
 */
export async function declareReports(channel: Channel, names: QueueNames): Promise<void> {
  await channel.assertQueue(names.reports, {
    durable: true,
    arguments: { 'x-max-length': REPORTS_MAX, 'x-overflow': 'drop-head' },
  })
  await channel.bindQueue(names.reports, names.up, UP.reports)
}

/** Guests' questions; each expires with its asker's patience. */
export async function declareQuestions(channel: Channel, names: QueueNames): Promise<void> {
  await channel.assertQueue(names.questions, {
    durable: true,
    arguments: { 'x-max-length': QUESTIONS_MAX, 'x-overflow': 'reject-publish' },
  })
  await channel.bindQueue(names.questions, names.up, UP.questions)
}
