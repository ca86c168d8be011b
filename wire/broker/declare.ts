import type { Channel, ChannelModel } from 'amqplib'
import { messageOf, RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { declareUp, type QueueNames } from './queues.js'

const PRECONDITION_FAILED = 406

/** Something on the broker that is ours by its name. */
interface Declared {
  /** For logs and failures. */
  readonly what: string
  readonly declare: (channel: Channel) => Promise<void>
  readonly remove: (channel: Channel) => Promise<unknown>
}

/** Declares and removes what is ours on the broker, each on a channel of its own: what is refused ends nothing else. */
export interface Declarer {
  /** The exchange that guests write to. */
  up(names: QueueNames): Promise<void>
  queue(name: string, declare: (channel: Channel) => Promise<void>): Promise<void>
  /** Repeatable. */
  remove(queue: string): Promise<void>
}

/**
 * A declarer on one connection. What somebody declared with other arguments is replaced, and the log says so: what lies in it are doorbells,
 * reports and commands, none of which is the only copy. Fails with `unavailable` for whatever cannot be had, and names it.
 */
export function openDeclarer(connection: ChannelModel, log: Logger): Declarer {
  return {
    up: (names) =>
      have({
        what: `exchange ${names.up}`,
        declare: (channel) => declareUp(channel, names),
        remove: (channel) => channel.deleteExchange(names.up),
      }),
    queue: (name, declare) =>
      have({ what: `queue ${name}`, declare, remove: (channel) => channel.deleteQueue(name) }),
    remove: (queue) => onChannel(connection, `queue ${queue}`, (channel) => channel.deleteQueue(queue)),
  }

  async function have({ what, declare, remove }: Declared): Promise<void> {
    try {
      await onChannel(connection, what, declare)
    } catch (error) {
      if (!isForeign(error)) throw error
      log.warn({ what, reason: messageOf(error) }, 'declared by somebody else with other arguments; replaced')
      await onChannel(connection, what, remove)
      await onChannel(connection, what, declare)
    }
  }
}

async function onChannel(
  connection: ChannelModel,
  what: string,
  act: (channel: Channel) => Promise<unknown>,
): Promise<void> {
  const channel = await connection.createChannel()
  // Whatever it says, the call that is under way says too.
  channel.on('error', () => {})
  try {
    await act(channel)
  } catch (cause) {
    const said = messageOf(cause).replace(/\.$/, '')
    const sentence = `The broker does not give the ${what}: ${said}. Look who declared it, remove it, and try again.`
    throw new RedtroveError('unavailable', sentence, { cause })
  } finally {
    await channel.close().catch(() => {
      // The broker closed it when it refused.
    })
  }
}

function isForeign(error: unknown): boolean {
  const cause = error instanceof RedtroveError ? error.cause : error
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === PRECONDITION_FAILED
}
