import { createHash } from 'node:crypto'
import { Socket } from 'node:net'
import { isKind, RedtroveError } from '../../common/errors.js'
import { type Endpoint, REDIS_PORT } from '../../domain/instance/endpoint.js'
import { guestNameOf } from '../../domain/instance/guest-name.js'
import type { InstanceId } from '../../domain/instance/instance.js'

/** What the allotment needs of the store. */
export interface AddressBook {
  endpointsInUse(): Promise<readonly Endpoint[]>
  setEndpoint(id: InstanceId, endpoint: Endpoint): Promise<void>
}

const LOWEST_OWN_NET = 16
const PROBE_MS = 300
const ROUNDS_MAX = 20

/** The /16 of a state directory when no setting names one, so that two services on one machine keep apart: 127.16 to 127.254. */
export function networkOf(stateDir: string): string {
  const hash = createHash('sha256').update(stateDir).digest().readUInt16BE(0)
  return `127.${LOWEST_OWN_NET + (hash % (255 - LOWEST_OWN_NET))}`
}

/** Addresses of a /16 from below, without those that look like a network or a broadcast, and without `taken`. */
export function* freeHosts(network: string, taken: ReadonlySet<string>): Generator<string> {
  for (let third = 0; third <= 255; third += 1) {
    for (let fourth = 2; fourth <= 254; fourth += 1) {
      const host = `${network}.${third}.${fourth}`
      if (!taken.has(host)) yield host
    }
  }
}

/**
 * Gives an instance an address of its own, recorded before it is used: the store's uniqueness decides between two that want the
 * same. Addresses where something listens already are left alone. Fails with `conflict` when none is left.
 */
export async function allotAddress(
  instanceId: InstanceId,
  network: string,
  book: AddressBook,
  listens: (endpoint: Endpoint) => Promise<boolean> = somethingListens,
): Promise<Endpoint> {
  const refused = new Set<string>()
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const inUse = (await book.endpointsInUse()).map((endpoint) => endpoint.host)
    const endpoint = await firstQuiet(freeHosts(network, new Set([...inUse, ...refused])), listens)
    if (!endpoint) break
    try {
      await book.setEndpoint(instanceId, endpoint)
      return endpoint
    } catch (error) {
      if (!isKind(error, 'conflict')) throw error
      refused.add(endpoint.host)
    }
  }
  throw new RedtroveError(
    'conflict',
    `No address is left in ${network}.0.0/16 for instance ${instanceId}; delete instances or set REDTROVE_PROCESS_NETWORK.`,
  )
}

/** Gives an instance its guest's name as its address, for providers whose guests have no fixed one. */
export async function allotName(instanceId: InstanceId, book: AddressBook): Promise<Endpoint> {
  const endpoint = { host: guestNameOf(instanceId), port: REDIS_PORT }
  await book.setEndpoint(instanceId, endpoint)
  return endpoint
}

async function firstQuiet(
  hosts: Iterable<string>,
  listens: (endpoint: Endpoint) => Promise<boolean>,
): Promise<Endpoint | null> {
  for (const host of hosts) {
    const endpoint = { host, port: REDIS_PORT }
    if (!(await listens(endpoint))) return endpoint
  }
  return null
}

/** True unless the connection is refused at once: what does not refuse is somebody's. */
function somethingListens({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new Socket()
    const answer = (listens: boolean) => {
      socket.destroy()
      resolve(listens)
    }
    socket.setTimeout(PROBE_MS, () => answer(true))
    socket.once('connect', () => answer(true))
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code !== 'ECONNREFUSED'))
    socket.connect({ host, port })
  })
}
