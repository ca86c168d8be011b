import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib'
import { REPLY_TO } from './calls.js'
import { answerKeyOf } from './queues.js'

/** A channel whose every fault ends the session. */
export async function openChannel(
  connection: ChannelModel,
  lost: (why: Error) => void,
  what: string,
): Promise<Channel> {
  return watch(await connection.createChannel(), lost, what)
}

/** The same, with the broker's confirms. */
export async function openConfirmChannel(
  connection: ChannelModel,
  lost: (why: Error) => void,
  what: string,
): Promise<ConfirmChannel> {
  return watch(await connection.createConfirmChannel(), lost, what)
}

/** Takes what comes by a queue; a message is done when it is handed over. */
export async function takeFrom(
  channel: Channel,
  queue: string,
  lost: (why: Error) => void,
  take: (message: ConsumeMessage) => void,
): Promise<void> {
  const each = (message: ConsumeMessage | null) =>
    message ? take(message) : lost(new Error(`queue ${queue} was deleted`))
  await channel.consume(queue, each, { noAck: true })
}

/** Whose queue is answered, and where to. */
export interface Answering {
  readonly queue: string
  /** The exchange for askers that name a key; all others are answered by direct reply-to. */
  readonly exchange?: string
  /** How many at a time. */
  readonly atOnce: number
}

/**
 * Answers what comes by a queue: first the answer, then the acknowledgement, so that a message under way
 * when this process dies comes again. `answer` must not reject; nothing means that the message is dropped.
 */
export async function answerFrom(
  channel: Channel,
  { queue, exchange, atOnce }: Answering,
  lost: (why: Error) => void,
  answer: (message: ConsumeMessage) => Promise<Buffer | undefined>,
): Promise<void> {
  await channel.prefetch(atOnce)
  await channel.consume(queue, (message) => {
    if (message) void answer(message).then((bytes) => acknowledge(channel, exchange, message, bytes))
    else lost(new Error(`queue ${queue} was deleted`))
  })
}

function acknowledge(
  channel: Channel,
  exchange: string | undefined,
  message: ConsumeMessage,
  answer: Buffer | undefined,
): void {
  const { replyTo, correlationId, headers } = message.properties
  const key = exchange === undefined ? undefined : answerKeyOf(headers)
  try {
    // The address is not sealed: whoever wrote it must not make us publish into a real queue.
    if (answer && exchange !== undefined && key !== undefined)
      channel.publish(exchange, key, answer, { correlationId: String(correlationId) })
    else if (answer && String(replyTo).startsWith(`${REPLY_TO}.`))
      channel.publish('', String(replyTo), answer, { correlationId: String(correlationId) })
    channel.ack(message)
  } catch {
    // The channel died meanwhile: the broker gives the message again, and the asker was told by its own side.
  }
}

function watch<C extends Channel>(channel: C, lost: (why: Error) => void, what: string): C {
  channel.on('error', lost)
  channel.on('handler-error', lost)
  channel.on('close', () => lost(new Error(`the channel for ${what} was closed`)))
  return channel
}
