import { randomUUID } from 'node:crypto'
import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import { type ErrorKind, RedtroveError } from '../errors.js'

/** The broker's own name for "answer on the channel that asked": nothing is declared and nothing is stored. */
const REPLY_TO = 'amq.rabbitmq.reply-to'

export interface SentCall {
  readonly queue: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Whom it is for and what it is, for failures. */
  readonly what: string
  /** The bytes of the message with this id. */
  readonly seal: (messageId: string) => Buffer
}

/** Calls that wait for an answer on one channel. */
export interface Calls {
  /**
   * Sends and waits for the answer's bytes. Fails with `guest_timeout` (no answer in time: it may have been carried out; or
   * nobody has such a queue: that is the guest's absence, not the broker's) or `unavailable` (the broker did not take it, or the
   * channel died; after the last it may have happened).
   */
  send(call: SentCall): Promise<Buffer>
  /** Fails everything that waits. */
  abandon(why: string): void
}

interface Waiting {
  readonly resolve: (bytes: Buffer) => void
  readonly fail: (kind: ErrorKind, message: string) => void
}

/** Prepares a confirm channel for calls; answers come back on the same channel. */
export async function openCalls(channel: ConfirmChannel): Promise<Calls> {
  const waiting = new Map<string, Waiting>()
  channel.on('return', (message: ConsumeMessage) => {
    waiting
      .get(String(message.properties.correlationId))
      ?.fail('guest_timeout', 'has no queue: nobody is there to answer')
  })
  await channel.consume(REPLY_TO, (message) => deliver(message), { noAck: true })
  return { send, abandon }

  function deliver(message: ConsumeMessage | null): void {
    if (message) waiting.get(String(message.properties.correlationId))?.resolve(message.content)
  }

  function send(call: SentCall): Promise<Buffer> {
    const messageId = randomUUID()
    return new Promise<Buffer>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        call.signal?.removeEventListener('abort', aborted)
        waiting.delete(messageId)
      }
      const fail = (kind: ErrorKind, why: string) => {
        end()
        reject(new RedtroveError(kind, `${call.what} ${why}.`))
      }
      const aborted = () => {
        end()
        reject(call.signal?.reason)
      }
      const timer = setTimeout(
        () => fail('guest_timeout', `was not answered within ${call.timeoutMs} ms`),
        call.timeoutMs,
      )
      if (call.signal?.aborted) return aborted()
      call.signal?.addEventListener('abort', aborted, { once: true })
      waiting.set(messageId, {
        resolve: (bytes) => {
          end()
          resolve(bytes)
        },
        fail,
      })
      publish(call, messageId, fail)
    })
  }

  function publish(call: SentCall, messageId: string, fail: Waiting['fail']): void {
    const options = {
      mandatory: true,
      persistent: true,
      expiration: call.timeoutMs,
      correlationId: messageId,
      replyTo: REPLY_TO,
    }
    try {
      channel.publish('', call.queue, call.seal(messageId), options, (error) => {
        if (error) fail('unavailable', 'was refused by the broker')
      })
    } catch {
      fail('unavailable', 'could not be sent: the channel is closed')
    }
  }

  function abandon(why: string): void {
    for (const { fail } of [...waiting.values()]) fail('unavailable', why)
  }
}
