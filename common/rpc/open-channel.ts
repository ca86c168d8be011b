import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib'
import { REPLY_TO } from './calls.js'

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

/**
 * Answers what comes by a queue, `atOnce` at a time: first the answer, then the acknowledgement, so that a message under way
 * when this process dies comes again. `answer` must not reject; nothing means that the message is dropped.
 */
export async function answerFrom(
  channel: Channel,
  queue: string,
  lost: (why: Error) => void,
  atOnce: number,
  answer: (message: ConsumeMessage) => Promise<Buffer | undefined>,
): Promise<void> {
  await channel.prefetch(atOnce)
  await channel.consume(queue, (message) => {
    if (message) void answer(message).then((bytes) => acknowledge(channel, message, bytes))
    else lost(new Error(`queue ${queue} was deleted`))
  })
}

function acknowledge(channel: Channel, message: ConsumeMessage, answer: Buffer | undefined): void {
  const { replyTo, correlationId } = message.properties
  try {
    // The address is not sealed: whoever wrote it must not make us publish into a real queue.
    if (answer && String(replyTo).startsWith(`${REPLY_TO}.`))
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
