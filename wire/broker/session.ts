import { statSync } from 'node:fs'
import { type ChannelModel, connect } from 'amqplib'
import type { Clock } from '../../common/clock.js'
import { messageOf, RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { readAuthorities } from '../../common/tls/certificates.js'
import { connectTrouble } from '../../common/tls/trouble.js'
import { waitUntil } from '../../common/wait-until.js'

const RETRY_MS_FIRST = 200
const RETRY_MS_MAX = 2_000
const CONNECT_MS_MAX = 5_000
const SETUP_MS_MAX = 15_000
const CLOSE_MS_MAX = 2_000
const HEARTBEAT_SECONDS = 10

/** Where the broker is. */
export type BrokerUrl = string | (() => string)

/** What a session is made of. */
export interface SessionOptions<Channels> {
  /** With credentials; never logged. A function is asked before each attempt, for a broker that may move. */
  readonly url: BrokerUrl
  /**
   * Whose signature the certificate of an amqps:// broker must bear; read before each attempt. Without one, or with an empty file, those
   * count that Node trusts. Certificate and name are verified in any case.
   */
  readonly caFile?: string
  /** Shown in the broker's list of connections. */
  readonly name: string
  readonly log: Logger
  readonly clock: Clock
  /**
   * Makes the channels that the session consists of. `lost` ends the session, and with it everything built here; it is to be
   * called when any channel dies, so that nobody works on half a session.
   */
  setup(connection: ChannelModel, lost: (why: Error) => void): Promise<Channels>
  /** The session of these channels is over. */
  onLost?(channels: Channels): void
  onConnected?(channels: Channels): void
}

/** A connection to the broker that comes back by itself. */
export interface Session<Channels> {
  /** What `setup` made, while the broker is there and accepts messages. */
  current(): Channels | undefined
  /** Resolves once connected; rejects with `unavailable` at the deadline. */
  waitConnected(timeoutMs: number): Promise<void>
  /** Ends the session for good. Repeatable. */
  close(): Promise<void>
}

interface Live<Channels> {
  readonly connection: ChannelModel
  readonly channels: Channels
  readonly ended: Promise<Error>
  blocked: boolean
}

/**
 * Opens a session and returns at once: it connects in the background, and again whenever it was lost, one attempt at a time,
 * with pauses that double from 0.2 to 2 s (jittered, so that a fleet does not come back in step). Says once per change what it
 * is waiting for. Fails with `bad_setting` when the URL is none.
 */
export function openSession<Channels>(options: SessionOptions<Channels>): Session<Channels> {
  const { name, log, clock } = options
  const closing = new AbortController()
  let live: Live<Channels> | undefined
  let trouble = 'not tried yet'
  const address = () => withHeartbeat(typeof options.url === 'string' ? options.url : options.url())
  address()
  const loop = run()

  return {
    current: () => (live && !live.blocked ? live.channels : undefined),
    waitConnected: async (timeoutMs) => {
      await waitUntil('the message broker accepts a connection', isUp, (up) => up, {
        timeoutMs,
        clock,
        kind: 'unavailable',
        describe: () => trouble,
      })
    },
    close: async () => {
      closing.abort()
      if (live) await closeQuietly(live.connection)
      await loop
    },
  }

  function isUp(): boolean {
    return live !== undefined && !live.blocked
  }

  async function run(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; ) {
      try {
        await serve(await attempt())
        failures = 0
      } catch (error) {
        failures += 1
        if (!closing.signal.aborted) say(troubleOf(error))
      }
      await clock.sleep(pauseMs(failures), closing.signal).catch(() => {})
    }
  }

  /** A listener for TLS hangs up on whoever comes without, and says nothing; sometimes the connection is reset before even that is read. */
  function troubleOf(error: unknown): string {
    const hungUp = /abruptly during opening handshake|ECONNRESET/.test(messageOf(error))
    if (hungUp && address().startsWith('amqp:'))
      return `${messageOf(error)}; if the broker speaks TLS on this port, its address has to begin with amqps://`
    return connectTrouble(error, 'REDTROVE_AMQP_CA_FILE')
  }

  /** From connected to lost. */
  async function serve(session: Live<Channels>): Promise<void> {
    if (!closing.signal.aborted) {
      live = session
      trouble = 'connected'
      log.info({ session: name }, 'connected to the broker')
      options.onConnected?.(session.channels)
      const why = await session.ended
      live = undefined
      if (!closing.signal.aborted) say(messageOf(why))
    }
    options.onLost?.(session.channels)
    await closeQuietly(session.connection)
  }

  /** One line a change, however often it is tried. */
  function say(why: string): void {
    if (why !== trouble) log.warn({ session: name, why }, 'waiting for the broker')
    trouble = why
  }

  async function attempt(): Promise<Live<Channels>> {
    const connection = await connectUnlessClosing()
    let lost: (why: Error) => void = () => {}
    const ended = new Promise<Error>((resolve) => {
      lost = resolve
    })
    // `error` and `close` may both come for one fault; a promise takes the first.
    connection.on('error', lost)
    connection.on('close', () => lost(new Error('the connection was closed')))
    connection.on('handler-error', (error) => log.error({ err: error }, 'a connection handler failed'))
    const settled = new AbortController()
    try {
      const channels = await Promise.race([
        options.setup(connection, lost),
        ended.then((why) => Promise.reject(why)),
        tooLong(settled.signal),
        closed(settled.signal),
      ])
      const session = { connection, channels, ended, blocked: false }
      watchBlocking(session)
      return session
    } catch (error) {
      await closeQuietly(connection)
      throw error
    } finally {
      settled.abort()
    }
  }

  /** A broker that does not answer must not hold up whoever closes; a connection that comes after that is closed. */
  async function connectUnlessClosing(): Promise<ChannelModel> {
    const connecting = connect(address(), {
      noDelay: true,
      timeout: CONNECT_MS_MAX,
      clientProperties: { connection_name: name },
      ...trust(options.caFile),
    })
    const settled = new AbortController()
    try {
      return await Promise.race([connecting, closed(settled.signal)])
    } catch (error) {
      connecting.then(closeQuietly).catch(() => {})
      throw error
    } finally {
      settled.abort()
    }
  }

  /** Rejects when the session is closed; nothing is left of it once `settled`. */
  function closed(settled: AbortSignal): Promise<never> {
    return new Promise((_resolve, reject) => {
      const leave = () => reject(new Error('the session is closed'))
      if (closing.signal.aborted) leave()
      else closing.signal.addEventListener('abort', leave, { once: true, signal: settled })
    })
  }

  async function tooLong(settled: AbortSignal): Promise<never> {
    await clock.sleep(SETUP_MS_MAX, settled)
    throw new Error(`the broker did not set up our channels within ${SETUP_MS_MAX} ms`)
  }

  /** A broker short of memory or disk keeps the connection but takes no message. */
  function watchBlocking(session: Live<Channels>): void {
    session.connection.on('blocked', (reason) => {
      session.blocked = true
      say(`the broker takes no messages (${reason})`)
    })
    session.connection.on('unblocked', () => {
      session.blocked = false
      trouble = 'connected'
      log.info({ session: name }, 'the broker takes messages again')
    })
  }

  async function closeQuietly(connection: ChannelModel): Promise<void> {
    const done = new AbortController()
    const close = connection.close().catch(() => {
      // Already closed, by the other side or by a fault: what we wanted.
    })
    await Promise.race([close, clock.sleep(CLOSE_MS_MAX, done.signal).catch(() => {})])
    done.abort()
  }
}

/** What TLS asks of the broker's certificate; the environment cannot take it back. */
function trust(caFile: string | undefined): { rejectUnauthorized: true; ca?: string } {
  // A Swarm's secret cannot be empty, so one that says "none" has a line end in it.
  const named = caFile !== undefined && (statSync(caFile, { throwIfNoEntry: false })?.size ?? 2) > 1
  return { rejectUnauthorized: true, ...(named ? { ca: readAuthorities(caFile) } : {}) }
}

/** Opens and closes one connection. Rejects with the broker's or the system's own error when it does not accept these credentials. */
export async function probeBroker(url: string, timeoutMs = 2_000): Promise<void> {
  const connection = await connect(url, { noDelay: true, timeout: timeoutMs })
  // A fault after the handshake is the caller's next attempt; without a listener it would end the process.
  connection.on('error', () => {})
  await connection.close()
}

/** The pause after the n-th failure in a row (0: a session that was lost): half fixed, half random. */
function pauseMs(failures: number): number {
  const full = Math.min(RETRY_MS_FIRST * 2 ** Math.max(0, failures - 1), RETRY_MS_MAX)
  return full / 2 + (Math.random() * full) / 2
}

function withHeartbeat(text: string): string {
  if (!URL.canParse(text))
    throw new RedtroveError('bad_setting', 'Bad settings:\n  REDTROVE_AMQP_URL: not a URL')
  const url = new URL(text)
  if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS))
  return url.href
}
