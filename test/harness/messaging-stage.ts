import { randomBytes, randomUUID } from 'node:crypto'
import { createLogger } from '../../common/log.js'
import { keyRing } from '../../common/secrets/key-ring.js'
import { waitUntil } from '../../common/wait-until.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { guestAgent } from '../../wire/agent/commands.js'
import { openGuestMessaging } from '../../wire/agent/messaging.js'
import { type BrokerAccount, withAccount } from '../../wire/broker/account.js'
import { brokerAccounts } from '../../wire/broker/accounts.js'
import type { Client } from '../../wire/contract.js'
import { openControlMessaging } from '../../wire/control/messaging.js'
import { testBroker } from './broker.js'

type Control = ReturnType<typeof openControlMessaging>
type Guest = ReturnType<typeof openGuestMessaging>

/** A taskmanager's and an agent's messaging over a real broker, with queues that nobody else sees. */
export interface Stage {
  readonly control: Control
  readonly guest: Guest
  /** The control side's end of the guest. */
  readonly client: Client<typeof guestAgent>
  readonly instanceId: InstanceId
  readonly key: Buffer
  readonly prefix: string
  readonly url: string
  /** The guest's own, when the stage has accounts. */
  readonly account: BrokerAccount | null
  /** Further ones, closed with the stage. */
  openControl(options?: { consume?: boolean }): Promise<Control>
  openGuest(options?: { key?: Buffer; bootId?: string }): Promise<Guest>
  close(): Promise<void>
}

const log = createLogger('test', 'silent')
const WAIT_MS = 30_000

/**
 * Opens both sides and waits until they are connected. `url`: another broker than the run's; `accounts`: the guest has an account of its own,
 * made over the broker's management API or the one that is named.
 */
export async function openStage(
  options: { url?: string; caFile?: string; accounts?: boolean | string } = {},
): Promise<Stage> {
  const { url, prefix, caFile, managementUrl, accounts } = {
    caFile: undefined,
    accounts: false,
    ...testBroker(),
    ...options,
  }
  const trust = caFile ? { caFile } : {}
  const instanceId = randomUUID()
  const keys = keyRing(randomBytes(32))
  const opened: { close(): Promise<void> }[] = []
  const openControl = async ({ consume = true } = {}) => {
    const control = openControlMessaging({
      url,
      ...trust,
      prefix,
      log,
      consume,
      keyOf: (id) => keys.instanceKey(id),
      ...(accounts === false
        ? {}
        : {
            accounts: brokerAccounts({
              url: () => (typeof accounts === 'string' ? accounts : managementUrl),
              amqpUrl: () => url,
              prefix,
              passwordOf: keys.brokerPassword,
            }),
          }),
    })
    opened.push(control)
    await control.waitConnected(WAIT_MS)
    return control
  }
  const openGuest = async ({ key = keys.instanceKey(instanceId), bootId = randomUUID() as string } = {}) => {
    const own = { url: withAccount(url, account), ...trust, prefix, log }
    const guest = openGuestMessaging({ ...own, instanceId, key, bootId })
    opened.push(guest)
    await waitUntil('the guest is connected', guest.connected, Boolean, { timeoutMs: WAIT_MS })
    return guest
  }
  const control = await openControl()
  const account = await control.declareGuest(instanceId).catch(async (error: unknown) => {
    await control.close()
    throw error
  })
  return {
    control,
    guest: await openGuest(),
    client: control.guest(instanceId),
    instanceId,
    key: keys.instanceKey(instanceId),
    prefix,
    url,
    account,
    openControl,
    openGuest,
    close: async () => {
      await Promise.all(opened.map((end) => end.close()))
    },
  }
}
