/*
 * Row 11: every message is delivered again, some late, so out of order. The broker's own tracer hands out a copy of whatever is
 * published; the copy goes to where the message went.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect } from 'amqplib'
import { brokerEnvironment } from '../../../supervisor/broker/config.js'
import type { BrokerIdentity } from '../../../supervisor/broker/identity.js'
import type { Fault } from './fault.js'
import type { StageBroker } from './stage.js'

const run = promisify(execFile)
const LATE_MS_MAX = 400
const TOOLS = [
  '/usr/lib/rabbitmq/bin/rabbitmqctl',
  '/opt/rabbitmq/sbin/rabbitmqctl',
  '/usr/local/sbin/rabbitmqctl',
]

export const MESSAGES_REPLAYED: Fault = {
  name: 'every message delivered twice, out of order',
  row: 11,
  inject: async ({ stage }) => {
    const replay = await startReplay(stage.broker)
    return { what: 'messages are replayed', heal: replay.stop }
  },
}

/** Replays until `stop`; `count` says how many copies were sent. */
export async function startReplay(broker: StageBroker): Promise<{ count(): number; stop(): Promise<void> }> {
  await control(broker, 'trace_on')
  const connection = await connect(broker.url)
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'amq.rabbitmq.trace', 'publish.#')
  // A copy is published like any other message and traced like it; each content goes out again once.
  const copied = new Set<string>()
  let count = 0
  let stopped = false
  await channel.consume(
    queue,
    (message) => {
      if (!message || stopped) return
      const headers = message.properties.headers as Traced
      const digest = createHash('sha1').update(message.content).digest('hex')
      const [target] = headers.routing_keys ?? []
      if (!target || copied.has(digest)) return
      copied.add(digest)
      const { correlation_id: correlationId, reply_to: replyTo, headers: own = {} } = headers.properties ?? {}
      const options = {
        headers: own,
        ...(correlationId ? { correlationId } : {}),
        ...(replyTo ? { replyTo } : {}),
      }
      setTimeout(() => {
        if (stopped) return
        count += 1
        channel.publish(headers.exchange_name ?? '', target, message.content, options)
      }, Math.random() * LATE_MS_MAX)
    },
    { noAck: true },
  )
  let ended: Promise<void> | null = null
  const end = async () => {
    stopped = true
    await connection.close().catch(() => undefined)
    await control(broker, 'trace_off')
  }
  return {
    count: () => count,
    stop: () => {
      ended ??= end()
      return ended
    },
  }
}

/** What the tracer says of a message. */
interface Traced {
  readonly exchange_name?: string
  readonly routing_keys?: readonly string[]
  readonly properties?: {
    readonly correlation_id?: string
    readonly reply_to?: string
    readonly headers?: Record<string, unknown>
  }
}

/** The broker's own tool, as the broker's own user: its cookie lies in its folder. */
async function control(broker: StageBroker, ...args: string[]): Promise<string> {
  const tool = TOOLS.find((path) => existsSync(path)) ?? 'rabbitmqctl'
  // Read, not asked for: asking would give a running broker other ports, since its own are taken.
  const identity = JSON.parse(readFileSync(join(broker.dir, 'identity.json'), 'utf8')) as BrokerIdentity
  const env = brokerEnvironment(identity, broker.dir, process.env.PATH ?? '')
  const { stdout } = await run(tool, ['-n', identity.node, ...args], { env, timeout: 30_000 })
  return stdout
}

/** Names of all queues that the broker has. */
export async function queueNamesOf(broker: StageBroker): Promise<readonly string[]> {
  const text = await control(broker, '--quiet', 'list_queues', 'name', '--no-table-headers')
  return text.split('\n').filter((line) => line !== '')
}
