/*
 * The swarm provider's host part: each guest is a service of one task on the node that has its volume (ADR 9). Everything that must be
 * remembered lies with the Swarm's managers, so any number of host parts may run, each beside its task manager, and none has a
 * state. A manager's word on a service is what it wants; what a task's own node said of it counts as what is.
 */
import { systemClock } from '../../common/clock.js'
import { messageOf, RedtroveError } from '../../common/errors.js'
import { openSerial, openSerials } from '../../common/serial.js'
import { waitUntil } from '../../common/wait-until.js'
import type { Order } from '../../domain/fencing/token.js'
import { guestNameOf } from '../../domain/instance/guest-name.js'
import type { GuestSpec, GuestState } from '../../wire/host/guest.js'
import { type ContainerHostOptions, guestSeed } from '../docker/container-host.js'
import { guestImages } from '../docker/guest-images.js'
import { openGuestWatch } from '../guest-watch.js'
import type { Host } from '../host.js'
import { requireNotOvertaken } from '../orders.js'
import { overviewOf, wrongIn } from './guest-overview.js'
import { openLeftovers } from './leftovers.js'
import { pastElection } from './past-election.js'
import type { NodeState, SwarmNode } from './placement/choose-node.js'
import { placeGuest } from './placement/place-guest.js'
import { guestRecords } from './records/guest-records.js'
import { guestSecrets } from './records/guest-secrets.js'
import { watchRemovals } from './records/removal-watch.js'
import { pinnedTo, secretsOf } from './services/found-service.js'
import { AMQP_ADDRESS_FILE, AMQP_CA_FILE, AMQP_URL_FILE } from './services/guest-service.js'
import { guestServices } from './services/guest-services.js'
import { lastWord, mayRun, nodesOf, runningPid, type SwarmTask, tasksOf } from './swarm-view.js'
import { volumeSweeper } from './volumes/volume-sweeper.js'

const START_MS_MAX = 40_000
const QUENCH_MS_MAX = 15_000

/** A Swarm's. */
export interface SwarmHostOptions extends ContainerHostOptions {
  readonly network: string
}

function lastSeen({
  tasks,
  unheard,
}: {
  tasks: readonly SwarmTask[]
  unheard: SwarmNode | undefined
}): string {
  const said = lastWord(tasks)
  return unheard ? `${said}; the managers have not heard of ${unheard.hostname} yet` : said
}

/** Opens the host; nothing is changed until `open` or an order. */
export function openSwarmHost(options: SwarmHostOptions): Host {
  const { engine, installation, network, storage, agent, log, ...broker } = options
  const records = guestRecords(engine, installation)
  const secrets = guestSecrets(engine, installation, broker)
  const services = guestServices({ engine, installation, network, records, secrets, storage })
  const leftovers = openLeftovers(engine, installation)
  const sweeper = volumeSweeper(engine, installation, leftovers)
  /** One guest after the other, so that members of a set which are made at once see each other. */
  const placing = openSerial()
  /** Acts on one guest come one after the other here; of another host part's acts the versions of record and service tell. */
  const inTurn = openSerials()

  async function look(id: string) {
    const [record, tasks, nodes] = await Promise.all([
      records.find(id),
      tasksOf(engine, guestNameOf(id)),
      nodesOf(engine),
    ])
    const living = tasks.filter((task) => mayRun(task, nodes))
    const hosts = nodes.filter(({ id: node }) => living.some(({ NodeID }) => NodeID === node))
    const hostThatIs = (what: NodeState) => hosts.find(({ state }) => state === what)
    return { record, tasks, living, away: hostThatIs('down'), unheard: hostThatIs('unheard') }
  }

  async function inspect(id: string): Promise<GuestState> {
    const { record, tasks, living } = await look(id)
    // One that is to end runs until its node says otherwise.
    const unheard = living.some(({ Status }) => record?.desired !== 'running' || Status.State === 'running')
    const pid = runningPid(tasks) ?? (unheard ? 1 : null)
    const idle = record === null ? 'absent' : record.desired === 'running' ? 'stopped' : 'fenced'
    return { instanceId: id, state: pid === null ? idle : 'running', agentPid: pid, serverPid: pid }
  }

  /** Until no task of it may run. A node that is down is not waited for: what it does nobody here can know. */
  async function quench(id: string): Promise<void> {
    const { away } = await waitUntil(
      `no task of guest ${id} runs`,
      () => look(id),
      ({ living, away }) => living.length === 0 || away !== undefined,
      { timeoutMs: QUENCH_MS_MAX, pollMs: 100, describe: lastSeen },
    )
    if (away === undefined) return
    throw new RedtroveError(
      'guest_failed',
      `Node ${away.hostname} is down and has not said that guest ${id} ended. Bring it back, or, when you have seen it dark, remove it (docker node rm --force ${away.hostname}), and try again.`,
    )
  }

  async function place(spec: GuestSpec, order: Order | null): Promise<void> {
    const { id: nodeId, hostname } = await placeGuest(spec, { engine, records, leftovers })
    log.info({ instanceId: spec.instanceId, node: hostname }, 'node chosen')
    await records.add(spec, nodeId, order)
  }

  const seedOf = (spec: GuestSpec) => ({
    hasAccount: spec.brokerAccount !== null,
    content: guestSeed(spec, agent, {
      amqpUrlFile: spec.brokerAccount ? AMQP_ADDRESS_FILE : AMQP_URL_FILE,
      amqpCaFile: AMQP_CA_FILE,
    }),
  })

  async function ensure(spec: GuestSpec, order: Order | null): Promise<GuestState> {
    const id = spec.instanceId
    const known = await records.want(id, 'running', order)
    if (known === null) await placing(() => place(spec, order))
    await requireNode(id)
    await services.conform(id, order, () => seedOf(spec))
    return waitUntil(
      `guest ${id} runs`,
      () => inspect(id),
      ({ state }) => state === 'running',
      {
        timeoutMs: START_MS_MAX,
        pollMs: 100,
        kind: 'guest_failed',
      },
    ).catch(async (cause: unknown) => {
      const said = lastWord(await tasksOf(engine, guestNameOf(id)))
      throw new RedtroveError('guest_failed', `${messageOf(cause)} The Swarm says: ${said}.`, { cause })
    })
  }

  /** It is recorded that the guest should run, so it does as soon as its node is back; nobody waits for that. */
  async function requireNode(id: string): Promise<void> {
    const record = await records.find(id)
    const node = (await nodesOf(engine)).find((one) => one.id === record?.nodeId)
    if (node?.state === 'ready') return
    if (node?.state === 'unheard')
      throw new RedtroveError('unavailable', `The Swarm has not heard of ${node.hostname} yet.`)
    const why = node
      ? `its node ${node.hostname} is away. The guest starts when that node is back`
      : 'its node has left the Swarm and holds the only copy of its data. Add the node back'
    throw new RedtroveError('guest_failed', `Guest ${id} cannot start: ${why}.`)
  }

  async function fence(id: string, order: Order | null): Promise<GuestState> {
    await records.want(id, 'fenced', order)
    await services.conform(id, order, null)
    await quench(id)
    log.warn({ instanceId: id }, 'guest fenced')
    return inspect(id)
  }

  /** The record goes last: while it is there, what is left is found by the watch. */
  async function remove(id: string, order: Order | null): Promise<GuestState> {
    const record = await records.want(id, 'removed', order)
    const service = await services.find(id)
    const nodeId = record?.nodeId ?? (service ? pinnedTo(service) : null)
    await services.conform(id, order, null)
    await quench(id)
    await services.remove(id)
    if (nodeId) await sweeper.sweep({ instanceId: id, nodeId })
    await secrets.forget(id)
    await records.forget(id)
    log.info({ instanceId: id }, 'guest removed')
    return inspect(id)
  }

  /** It has no node (any more) that it may stay on. */
  async function move(spec: GuestSpec, order: Order | null): Promise<GuestState> {
    const record = await records.find(spec.instanceId)
    if (record && order) requireNotOvertaken(spec.instanceId, order, record.order)
    if (record && !(await emptying()).has(record.nodeId)) return ensure(spec, order)
    await placeGuest(spec, { engine, records, leftovers })
    await remove(spec.instanceId, order)
    return ensure(spec, order)
  }

  /** Ids of nodes that somebody wants empty, or has empty. */
  async function emptying(): Promise<ReadonlySet<string>> {
    return new Set((await nodesOf(engine)).filter(({ active }) => !active).map(({ id }) => id))
  }

  async function leaving(): Promise<readonly string[]> {
    const nodes = await emptying()
    if (nodes.size === 0) return []
    const leavers = (await records.all()).filter(
      ({ nodeId, desired }) => desired === 'running' && nodes.has(nodeId),
    )
    return leavers.map(({ facts }) => facts.instanceId)
  }

  async function settle(id: string): Promise<void> {
    const record = await records.find(id)
    if (record === null || record.desired === 'removed') await remove(id, null)
    else await services.conform(id, null, null)
  }

  async function tidy(): Promise<void> {
    const used = async () => new Set((await services.all()).flatMap(secretsOf))
    await Promise.all([sweeper.sweepLeft(), secrets.forgetOldBroker(used)])
  }

  const carryOut = (id: string, act: () => Promise<GuestState>) => inTurn(id, () => pastElection(act))
  const overview = () => overviewOf({ records, services, secrets })
  const removals = watchRemovals()
  const watch = openGuestWatch({
    wrong: async () => {
      const seen = await overview()
      const records = [...seen.values()].flatMap(({ record }) => record ?? [])
      return wrongIn(seen, await secrets.broker(), removals.left(records, systemClock.monotonicMs()))
    },
    settle: (id) => inTurn(id, () => settle(id)),
    tidy,
    log,
  })

  return {
    inspect,
    ensure: (spec, order) => carryOut(spec.instanceId, () => ensure(spec, order)),
    move: (spec, order) => carryOut(spec.instanceId, () => move(spec, order)),
    leaving,
    fence: (id, order) => carryOut(id, () => fence(id, order)),
    remove: (id, order) => carryOut(id, () => remove(id, order)),
    offers: async () =>
      (await guestImages(engine)).map(({ datastore, name, version }) => ({ datastore, name, version })),
    open: async () => {
      await watch.look()
      watch.start()
    },
    stop: watch.stop,
  }
}
