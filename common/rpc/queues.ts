import type { Channel } from 'amqplib'
import type { InstanceId } from '../domain/instance.js'
import type { Method } from './contract.js'

/** Each instance has a queue per lane. */
export const LANES = ['control', 'query'] as const satisfies readonly Method['lane'][]

/** Commands that wait for one guest; more than this and its agent is not working them off. */
const COMMANDS_MAX = 256
const REPORTS_MAX = 10_000
const QUESTIONS_MAX = 10_000

/** Names of all queues of one service. */
export function queueNames(prefix: string) {
  return {
    rings: `${prefix}.rings`,
    reports: `${prefix}.reports`,
    questions: `${prefix}.questions`,
    commands: (instanceId: InstanceId, lane: Method['lane']) => `${prefix}.guest.${instanceId}.${lane}`,
  }
}
export type QueueNames = ReturnType<typeof queueNames>

/** The broker has no such queue (any more). */
export function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 404
}

/** Both lanes of an instance. A full lane refuses the newest, so the caller knows at once. Repeatable. */
export async function declareCommands(
  channel: Channel,
  names: QueueNames,
  instanceId: InstanceId,
): Promise<void> {
  for (const lane of LANES) {
    await channel.assertQueue(names.commands(instanceId, lane), {
      durable: true,
      arguments: { 'x-max-length': COMMANDS_MAX, 'x-overflow': 'reject-publish' },
    })
  }
}

/** Doorbells; durable, so that one rung while no taskmanager runs is heard by the next. */
export async function declareRings(channel: Channel, names: QueueNames): Promise<void> {
  await channel.assertQueue(names.rings, { durable: true })
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
}

/** Guests' questions; each expires with its asker's patience. */
export async function declareQuestions(channel: Channel, names: QueueNames): Promise<void> {
  await channel.assertQueue(names.questions, {
    durable: true,
    arguments: { 'x-max-length': QUESTIONS_MAX, 'x-overflow': 'reject-publish' },
  })
}
