import { type Channel, connect } from 'amqplib'
import { waitUntil } from '../../common/wait-until.js'

/** What somebody can do who has the broker's password but no instance's key. */
export interface RawBroker {
  /** Takes the next message out of a queue. */
  take(queue: string): Promise<RawMessage>
  /** Puts bytes into a queue as an asker whose answers are collected in `answers`. */
  put(queue: string, bytes: Buffer, properties?: { replyTo?: string; correlationId?: string }): void
  /** Puts bytes where a waiting caller takes them for an answer. */
  answer(message: RawMessage, bytes: Buffer): void
  readonly answers: readonly Buffer[]
  count(queue: string): Promise<number>
  declare(queue: string): Promise<void>
  close(): Promise<void>
}

/** A message as it lay in its queue. */
export interface RawMessage {
  readonly bytes: Buffer
  readonly replyTo: string
  readonly correlationId: string
}

const REPLY_TO = 'amq.rabbitmq.reply-to'

/** Opens a stranger's connection. */
export async function openRawBroker(url: string): Promise<RawBroker> {
  const connection = await connect(url)
  const channel: Channel = await connection.createChannel()
  const answers: Buffer[] = []
  await channel.consume(REPLY_TO, (message) => message && answers.push(message.content), { noAck: true })
  return {
    answers,
    take: async (queue) => {
      const message = await waitUntil(`there is a message in ${queue}`, () => channel.get(queue), Boolean, {
        timeoutMs: 5_000,
      })
      if (!message) throw new Error('unreachable: waited for one')
      channel.ack(message)
      const { replyTo, correlationId } = message.properties
      return { bytes: message.content, replyTo, correlationId }
    },
    put: (queue, bytes, properties = {}) => {
      channel.sendToQueue(queue, bytes, { replyTo: REPLY_TO, correlationId: 'stranger', ...properties })
    },
    answer: ({ replyTo, correlationId }, bytes) => {
      channel.sendToQueue(replyTo, bytes, { correlationId })
    },
    count: async (queue) => (await channel.checkQueue(queue)).messageCount,
    declare: async (queue) => {
      await channel.assertQueue(queue, { durable: false, autoDelete: true })
    },
    close: () => connection.close(),
  }
}
