import type Docker from 'dockerode'
import { messageOf, RedtroveError } from '../../common/errors.js'

/** Longer than any engine that is well takes for one request. */
const REQUEST_MS_MAX = 30_000

/** A Docker Engine. Connections are made for each request, so an engine that goes away and comes back needs nothing from us. */
export type Engine = Docker

/**
 * Speaks to the engine at `unix:///path`, or `tcp://host:port` (without TLS: only for loopback and tunnels). The library is read only here:
 * a supervisor of processes starts a third of a second sooner without it.
 */
export async function connectEngine(address: string): Promise<Engine> {
  const { default: Docker } = await import('dockerode')
  const { protocol, hostname, port, pathname } = new URL(address)
  return protocol === 'unix:'
    ? new Docker({ socketPath: pathname, timeout: REQUEST_MS_MAX })
    : new Docker({ protocol: 'http', host: hostname, port: Number(port), timeout: REQUEST_MS_MAX })
}

/** Of an error of dockerode: the engine's HTTP status, null when the engine did not answer. */
export function statusOf(error: unknown): number | null {
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : null
}

/**
 * Calls the engine. Statuses in `expected` answer null (gone already, running already); an engine that does not answer is
 * `unavailable`, a refusal `guest_failed` in the engine's words.
 */
export async function asked<T>(
  what: string,
  call: Promise<T>,
  expected: readonly number[] = [],
): Promise<T | null> {
  try {
    return await call
  } catch (cause) {
    const status = statusOf(cause)
    if (status !== null && expected.includes(status)) return null
    throw new RedtroveError(
      status === null || status >= 500 ? 'unavailable' : 'guest_failed',
      `Docker could not ${what}: ${messageOf(cause)}`,
      { cause },
    )
  }
}
