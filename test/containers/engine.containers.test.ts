/* What only containers have: an engine that dies and comes back, limits, what is removed by hand, and what inspect shows. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { missingOn } from '../../demo/writers.js'
import { clientOf, killEngine, startEngine } from '../harness/containers/engine.js'
import { dockerPlace } from '../harness/places/docker-place.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'
import { writersOf } from '../harness/set-writers.js'
import type { Stack } from '../harness/stack.js'

const engine = inject('engine')
const docker = clientOf(engine)
const place = dockerPlace(engine)
let stack: Stack
let set: ReplicaSet
let source: string

beforeAll(async () => {
  stack = await place.open()
  set = await replicaSet(stack, 'engine', 2)
  source = await set.sourceId()
})
afterAll(async () => {
  if (stack) await place.close(stack)
})

const container = (id: string) => docker.getContainer(`redtrove-${id}`)

it('a guest has the rights and the size it needs, and inspect shows no secret', async () => {
  const shown = await container(source).inspect()
  expect(shown.HostConfig.ReadonlyRootfs).toBe(true)
  expect(shown.HostConfig.CapDrop).toEqual(['ALL'])
  expect(shown.HostConfig.SecurityOpt).toEqual(['no-new-privileges'])
  expect(shown.HostConfig.Memory).toBeGreaterThan(0)
  expect(shown.HostConfig.NanoCpus).toBeGreaterThan(0)
  const { Processes: processes }: { Processes: string[][] } = await container(source).top({
    ps_args: '-eo pid,uid',
  })
  expect(processes.map((row) => row.at(-1))).toEqual(processes.map(() => '10001'))
  const everything = JSON.stringify([shown, await docker.getVolume(`redtrove-${source}`).inspect()])
  expect(everything).not.toContain(set.password)
  expect(everything).not.toMatch(/sealKey|amqp:/)
})

it('an engine that is killed and comes back loses nothing', async () => {
  const writers = writersOf(set, 'engine')
  await writers.more(301)
  await killEngine(engine)
  // Containers are no children of the engine.
  await writers.more(301)
  await startEngine(engine)
  await writers.more(301)
  for (const id of set.ids) await stack.client.healthy(id)
  await set.linksUp(source)
  const ledger = await writers.stop()
  const missing = await missingOn(set.endpointOf(source), set.password, 'engine', ledger)
  console.log(`engine killed and started: ${ledger.acks.length} acknowledged writes, ${missing.length} lost`)
  expect(missing).toEqual([])
})

it('while the engine is away nobody is called fenced and nobody leads; a restart of the source ends it', async () => {
  await place.freeze(stack, source)
  await killEngine(engine)
  try {
    const accepted = await stack.client.eject(source, 30_000)
    const ended = await stack.client.ended(accepted.operationId, 90_000)
    expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'rolled_back' })
    expect(ended.fault).toContain('could not be fenced')
    expect(await set.sourceId()).toBe(source)
    for (const id of set.ids.filter((id) => id !== source)) expect(await set.tryWrite(id)).not.toBe('OK')
  } finally {
    await startEngine(engine)
  }
  const restart = await stack.client.act(source, 'restart')
  expect(restart, JSON.stringify(restart.body)).toMatchObject({ status: 202 })
  const ended = await stack.client.ended(restart.operationId)
  expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
  for (const id of set.ids) await stack.client.healthy(id)
  expect(await set.tryWrite(source)).toBe('OK')
})

it('a guest whose memory is used up comes back with its data', async () => {
  expect(await set.tryWrite(source)).toBe('OK')
  const { serverPid } = await place.pids(stack, source)
  // Somebody in the container takes what there is; the kernel then kills the largest there.
  const eater = await container(source).exec({ Cmd: ['sh', '-c', 'for i in 1 2 3; do tail /dev/zero; done'] })
  await eater.start({ Detach: true })
  await waitUntil(
    'the kernel has killed somebody',
    async () => (await eater.inspect()).Running,
    (running) => !running,
    { timeoutMs: 60_000 },
  )
  await stack.client.healthy(source)
  expect(await set.tryWrite(source)).toBe('OK')
  console.log(
    `memory used up: redis-server ${(await place.pids(stack, source)).serverPid === serverPid ? 'survived' : 'was killed'}`,
  )
})

it('a container that somebody removed is made again, with its data', async () => {
  const [{ id: replica } = { id: '' }] = (await stack.client.show(source)).replicas ?? []
  const before = await container(replica).inspect()
  await container(replica).remove({ force: true })
  await waitUntil(
    'another container runs',
    () =>
      container(replica)
        .inspect()
        .catch(() => null),
    (shown) => shown !== null && shown.Id !== before.Id && shown.State.Running,
    { timeoutMs: 30_000 },
  )
  await stack.client.healthy(replica)
  await waitUntil(
    'it follows again with its data',
    () => stack.client.show(replica),
    ({ replication }) => replication?.link === 'up',
    { timeoutMs: 30_000 },
  )
})

it('what no row owns is removed at the next start, and nothing else', async () => {
  const { Config: config } = await container(source).inspect()
  const installation = config.Labels['redtrove.installation'] ?? ''
  const orphan = '00000000-0000-4000-8000-000000000001'
  const labels = { 'redtrove.installation': installation, 'redtrove.instance': orphan }
  await docker.createVolume({ Name: `redtrove-${orphan}`, Labels: labels })
  await docker.createVolume({ Name: 'somebody-else' })
  process.kill(stack.pid, 'SIGKILL')
  stack = await place.open({ stateDir: stack.stateDir })
  const names = await waitUntil(
    'the orphan is gone',
    () => place.left(stack),
    (left) => !left.some((name) => name.includes(orphan)),
    { timeoutMs: 20_000 },
  )
  expect(names).toHaveLength(2 * set.ids.length)
  await docker.getVolume('somebody-else').remove()
  for (const id of set.ids) await stack.client.healthy(id)
  expect(await set.tryWrite(source)).toBe('OK')
})
