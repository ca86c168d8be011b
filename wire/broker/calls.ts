import { randomUUID } from 'node:crypto'
import type { ConfirmChannel, ConsumeMessage, Options } from 'amqplib'
import { type ErrorKind, RedtroveError } from '../../common/errors.js'
import { ANSWER_TO } from './queues.js'

/** The broker's own name for "answer on the channel that asked": nothing is declared and nothing is stored. */
export const REPLY_TO = 'amq.rabbitmq.reply-to'

/** One question and how to know its answer. */
export interface SentCall<T> {
  /** Where it is published; without one the default exchange, whose keys are names of queues. */
  readonly exchange?: string
  readonly queue: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Whom it is for and what it is, for failures. */
  readonly what: string
  /** Kept by the broker over its restart. */
  readonly persistent: boolean
  /** The bytes of the message with this id. */
  readonly seal: (messageId: string) => Buffer
  /** What an answer to that message says; undefined for bytes that are no answer to it, and then the wait goes on. */
  readonly accept: (bytes: Buffer, messageId: string) => T | undefined
}

/** Calls that wait for an answer on one channel. */
export interface Calls {
  /**
   * Sends and waits for the answer. Fails with `guest_timeout` (no answer in time: it may have been carried out; or
   * nobody has such a queue: that is the guest's absence, not the broker's) or `unavailable` (the broker did not take it, or the
   * channel died; after the last it may have happened).
   */
  send<T>(call: SentCall<T>): Promise<T>
  /** Resolves once the broker has the message on disk. Fails with `unavailable`, at the latest after `timeoutMs`. */
  post(queue: string, body: Buffer, what: string, timeoutMs: number): Promise<void>
  /** Fails everything that waits. */
  abandon(): void
}

interface Waiting {
  readonly answer: (bytes: Buffer) => void
  readonly confirm: () => void
  /** The queue does not exist. */
  readonly lose: () => void
  readonly fail: (kind: ErrorKind, why: string) => void
}

interface Settle<T> {
  readonly resolve: (value: T) => void
  readonly fail: Waiting['fail']
}

const CUT_OFF = 'lost its connection to the broker; the command may or may not have run'

/** Where answers come to, and the key that leads there. */
export interface AnswerQueue {
  readonly queue: string
  readonly key: string
}

/**
 * Prepares a confirm channel for calls; answers come back on the same channel, by direct reply-to and, for askers who may not use that, by
 * `answers`.
 */
export async function openCalls(channel: ConfirmChannel, answers?: AnswerQueue): Promise<Calls> {
  const waiting = new Map<string, Waiting>()
  const entryOf = (message: ConsumeMessage) => waiting.get(String(message.properties.correlationId))
  channel.on('return', (message: ConsumeMessage) => entryOf(message)?.lose())
  for (const queue of [REPLY_TO, ...(answers ? [answers.queue] : [])])
    await channel.consume(queue, (message) => message && entryOf(message)?.answer(message.content), {
      noAck: true,
    })
  const headers = answers ? { [ANSWER_TO]: answers.key } : {}
  return {
    send,
    post,
    abandon: () => {
      for (const { fail } of [...waiting.values()]) fail('unavailable', CUT_OFF)
    },
  }

  function send<T>(call: SentCall<T>): Promise<T> {
    const late = { kind: 'guest_timeout', why: `was not answered within ${call.timeoutMs} ms` } as const
    return waitFor<T>({ ...call, late }, (messageId, { resolve, fail }) => {
      const entry = {
        answer: (bytes: Buffer) => {
          const accepted = call.accept(bytes, messageId)
          if (accepted !== undefined) resolve(accepted)
        },
        confirm: () => {},
        lose: () => fail('guest_timeout', 'has no queue: nobody is there to answer'),
        fail,
      }
      const { timeoutMs, persistent, exchange = '' } = call
      const options = { replyTo: REPLY_TO, headers, expiration: timeoutMs, persistent }
      publish({ exchange, key: call.queue }, messageId, () => call.seal(messageId), options, entry)
      return entry
    })
  }

  function post(queue: string, body: Buffer, what: string, timeoutMs: number): Promise<void> {
    const late = { kind: 'unavailable', why: `was not confirmed within ${timeoutMs} ms` } as const
    return waitFor<void>({ what, timeoutMs, late }, (messageId, { resolve, fail }) => {
      const lose = () => fail('unavailable', 'has no queue: it is made when the service starts')
      const entry = { answer: () => {}, confirm: resolve, lose, fail }
      publish({ exchange: '', key: queue }, messageId, () => body, { persistent: true }, entry)
      return entry
    })
  }

  /** Keeps an entry in the table until it is settled, the time is up, or the caller does not want it any more. */
  function waitFor<T>(
    wait: Pick<SentCall<T>, 'what' | 'timeoutMs' | 'signal'> & { late: { kind: ErrorKind; why: string } },
    begin: (messageId: string, settle: Settle<T>) => Waiting,
  ): Promise<T> {
    const messageId = randomUUID()
    const { what, timeoutMs, signal, late } = wait
    let timer: NodeJS.Timeout | undefined
    let aborted = () => {}
    const outcome = new Promise<T>((resolve, reject) => {
      signal?.throwIfAborted()
      aborted = () => reject(signal?.reason)
      signal?.addEventListener('abort', aborted)
      const fail: Waiting['fail'] = (kind, why) => reject(new RedtroveError(kind, `${what} ${why}.`))
      timer = setTimeout(() => fail(late.kind, late.why), timeoutMs)
      waiting.set(messageId, begin(messageId, { resolve, fail }))
    })
    return outcome.finally(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
      waiting.delete(messageId)
    })
  }

  function publish(
    { exchange, key }: { readonly exchange: string; readonly key: string },
    correlationId: string,
    seal: () => Buffer,
    options: Options.Publish,
    { confirm, fail }: Waiting,
  ): void {
    const bytes = seal()
    try {
      channel.publish(exchange, key, bytes, { ...options, mandatory: true, correlationId }, (error) => {
        if (!error) confirm()
        else if (isNack(error)) fail('unavailable', 'was refused by the broker: the queue is full')
        else fail('unavailable', CUT_OFF)
      })
    } catch {
      fail('unavailable', 'could not be sent: the channel is closed')
    }
  }
}

/** amqplib has no name for it; every other error of a confirm is the channel's end. */
function isNack(error: unknown): boolean {
  return String(error).includes('message nacked')
}
