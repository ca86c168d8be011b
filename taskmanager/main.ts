import { systemClock } from '../common/clock.js'
import { messageOf } from '../common/errors.js'
import { failpoint } from '../common/failpoint.js'
import { tellWaiting, untilStopped } from '../common/lifecycle.js'
import { createLogger, type Logger } from '../common/log.js'
import { onceEach } from '../common/repeat.js'
import { type KeyRing, keyRing } from '../common/secrets/key-ring.js'
import { masterKey } from '../common/secrets/master-key.js'
import {
  amqpUrlOf,
  brokerManagementOf,
  brokerOf,
  brokerPlace,
  databaseOf,
  keyFilesOf,
  readSettings,
  type Settings,
  stateLayout,
} from '../common/settings/settings.js'
import type { Endpoint } from '../domain/instance/endpoint.js'
import type { InstanceId } from '../domain/instance/instance.js'
import { connectStore } from '../store/connect-store.js'
import { operationDoor } from '../store/operations/door.js'
import type { Store } from '../store/store.js'
import { type BrokerAccounts, brokerAccounts } from '../wire/broker/accounts.js'
import { openControlMessaging } from '../wire/control/messaging.js'
import type { ControlMessaging } from '../wire/messaging.js'
import { type AddressBook, allotAddress, allotName, networkOf } from './compute/addresses.js'
import type { Compute } from './compute/compute.js'
import { processes } from './compute/processes.js'
import { isSurelyGone, ownerName } from './engine/owner.js'
import { runOperation } from './engine/run-operation.js'
import { startSweeper } from './engine/sweeper.js'
import { timingsOf } from './engine/timings.js'
import { yieldToOthers } from './engine/yield-to-others.js'
import { startGuestAccess } from './guests/guest-access.js'
import { answersFor } from './intake/questions.js'
import { startReports } from './intake/reports.js'
import { startEvacuation } from './watchers/evacuation.js'
import { startForgetting } from './watchers/forget-history.js'
import { startReconciler } from './watchers/reconciler.js'
import { workflowOf } from './workflows/index.js'

const AWAY_RETRY_MS = 1_000
const OFFER_MS_MAX = 5_000

/** Carries operations out until it is told to stop; wiring only. What is under way then is left to the next taskmanager. */
export async function main(): Promise<void> {
  const settings = readSettings()
  const log = createLogger('taskmanager', settings.REDTROVE_LOG_LEVEL)
  const clock = systemClock
  const stop = untilStopped()
  const store = await connectStore(databaseOf(settings), log, stop.signal)
  const ring = keyRing(await masterKey(keyFilesOf(settings).masterKey))
  const accounts = accountsOf(settings, ring, log)
  const messaging = openControlMessaging({
    ...brokerOf(settings),
    keyOf: ring.instanceKey,
    log,
    ...(accounts ? { accounts } : {}),
  })
  const compute = computeOf(settings, store)
  await untilConnected(messaging, () => amqpUrlOf(settings), log, stop.signal)
  // Who is told that this is ready may create at once; a provider that is away must not hold the start up for ever.
  await Promise.race([offerDatastores(compute, store, log, stop.signal), clock.sleep(OFFER_MS_MAX)])
  if (stop.signal.aborted) return leave(messaging, store, log)

  const timings = timingsOf(settings)
  const owner = ownerName()
  const parts = { store, messaging, compute, keyRing: ring, timings, clock, log }
  const die = failpoint(settings.REDTROVE_FAILPOINT)
  const sweeper = startSweeper({
    operations: store.operations,
    owner,
    isGone: isSurelyGone,
    // Elsewhere there is one host part for all.
    ...(settings.REDTROVE_COMPUTE === 'swarm' ? { hesitate: yieldToOthers(compute, clock, log) } : {}),
    run: async (operation) => {
      const lease = { operationId: operation.id, owner, attempt: operation.attempt }
      await runOperation(operation, lease, { ...parts, failpoint: die, workflowOf })
    },
    timings,
    clock,
    log,
  })
  const reports = startReports(store.observations, clock, log)
  messaging.onAnnounced(sweeper.announce)
  messaging.onReport(reports.take)
  messaging.onQuestion((instanceId) => answersFor(instanceId, parts))
  const { reportAgeMsMax } = timings
  const openOperation = operationDoor({ operations: store.operations, announce: sweeper.announce, log })
  const watched = { store, openOperation, reportAgeMsMax, clock, log }
  const stopReconciler = startReconciler(watched)
  const stopGuestAccess = startGuestAccess({ store, messaging, reportAgeMsMax, clock, log })
  const historyDays = settings.REDTROVE_HISTORY_DAYS
  const stopForgetting = startForgetting({ store, historyDays, clock, log })
  const stopEvacuation = startEvacuation({ ...watched, compute })
  process.send?.({ ready: true })
  log.info({ owner }, 'taskmanager ready')
  await stop.requested
  const stops = [stopReconciler(), stopEvacuation(), stopGuestAccess(), stopForgetting()]
  await Promise.all([sweeper.stop(), ...stops, reports.stop()])
  await leave(messaging, store, log)
}

/** Users of the broker for guests; none on somebody's broker whose management nobody has named. */
function accountsOf(settings: Settings, ring: KeyRing, log: Logger): BrokerAccounts | null {
  const url = brokerManagementOf(settings)
  if (url) {
    const { url: amqpUrl, ...trust } = brokerOf(settings)
    return brokerAccounts({ url, amqpUrl, ...trust, passwordOf: ring.brokerPassword })
  }
  log.warn(
    'all guests share the account of REDTROVE_AMQP_URL: whoever reads it in one guest can disturb all others; set REDTROVE_AMQP_MANAGEMENT_URL',
  )
  return null
}

/** Operations under way have timers and calls of their own; their lease runs out and the next taskmanager goes on. */
async function leave(messaging: ControlMessaging, store: Store, log: Logger): Promise<never> {
  await messaging
    .close()
    .catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'broker was gone'))
  await store.close()
  process.exit(0)
}

/** A Swarm's managers, schedulers and nodes all take their time, an election among managers most of it. */
const MANY_HOSTS = { ensureMs: 115_000, fenceMs: 65_000, removeMs: 90_000 }

/** Guests by way of the host part, with addresses as the settings' provider has them. */
function computeOf(settings: Settings, store: Store): Compute {
  const isSwarm = settings.REDTROVE_COMPUTE === 'swarm'
  return processes({
    socketPath: stateLayout(settings.REDTROVE_STATE_DIR).hostSocket,
    allot: allotmentOf(settings, store.instances),
    instances: store.instances,
    versions: store.catalog.datastoreVersions,
    ...(isSwarm ? { patience: MANY_HOSTS } : {}),
  })
}

function allotmentOf(settings: Settings, book: AddressBook): (id: InstanceId) => Promise<Endpoint> {
  switch (settings.REDTROVE_COMPUTE) {
    case 'process':
      return (id) =>
        allotAddress(id, settings.REDTROVE_PROCESS_NETWORK ?? networkOf(settings.REDTROVE_STATE_DIR), book)
    case 'docker':
      // Nobody else has an address in Docker's network, and one that nobody has there answers nothing.
      return (id) => allotAddress(id, settings.REDTROVE_DOCKER_NETWORK, book, async () => false)
    case 'swarm':
      return (id) => allotName(id, book)
  }
}

/** Says once that it waits, and goes on as soon as the broker is there. */
async function untilConnected(
  messaging: ControlMessaging,
  url: () => string,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let said = false; !signal.aborted; said = true) {
    try {
      return await messaging.waitConnected(AWAY_RETRY_MS)
    } catch (error) {
      if (!said) log.warn({ reason: messageOf(error) }, 'waiting for the message broker')
      tellWaiting(`the message broker at ${brokerPlace(url())}`)
    }
  }
}

/** What can be run here goes into the catalog as soon as the provider answers. */
async function offerDatastores(
  compute: Compute,
  store: Store,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const failures = onceEach((reason) => log.warn({ reason }, 'waiting for the compute provider'))
  while (!signal.aborted) {
    try {
      const offers = await compute.offers()
      await store.catalog.offer(offers)
      log.info({ offers }, 'datastores offered')
      return
    } catch (error) {
      failures.note(messageOf(error))
      await systemClock.sleep(AWAY_RETRY_MS, signal).catch(() => {})
    }
  }
}
