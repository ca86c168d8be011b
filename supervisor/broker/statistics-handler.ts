import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { BrokerIdentity } from './identity.js'

const run = promisify(execFile)
const ASK_MS_MAX = 2_000

/**
 * Takes the management plugin's handler of statistics out of a broker that is about to be stopped. RabbitMQ 3.10 stops 5 s later with
 * it: while the emulator goes down, the handler asks its application controller for something, which does not answer any more,
 * and waits until that fails. Never fails itself: a broker that cannot be asked is only slower to stop. May be repeated.
 */
export async function dropStatisticsHandler(
  erlCall: string | null,
  dir: string,
  { node, ports }: BrokerIdentity,
): Promise<void> {
  if (erlCall === null) return
  const call = 'gen_event delete_handler [rabbit_event,rabbit_mgmt_db_handler,[]]'
  // The cookie is read from the broker's own folder.
  const env = { HOME: dir, ERL_EPMD_PORT: String(ports.epmd), LC_ALL: 'C.UTF-8' }
  const options = { env, timeout: ASK_MS_MAX, killSignal: 'SIGKILL' } as const
  await run(erlCall, ['-n', node, '-a', call], options).catch(() => undefined)
}
