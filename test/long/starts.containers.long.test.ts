/* How long a guest takes until it serves, and how large its image is; figures alone, for docs/containers.md. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { clientOf } from '../harness/containers/engine.js'
import { dockerPlace } from '../harness/places/docker-place.js'
import { withRedis } from '../harness/replica-set.js'
import type { Stack } from '../harness/stack.js'

const ROUNDS = 7
const docker = clientOf(inject('engine'))
const place = dockerPlace(inject('engine'))
const soon = { timeoutMs: 60_000, pollMs: 5 }
let stack: Stack

beforeAll(async () => {
  stack = await place.open()
})
afterAll(async () => {
  if (stack) await place.close(stack)
})

it('every guest image has its server, and a size', async () => {
  const filters = { label: ['redtrove.datastore', 'redtrove.version'], dangling: ['false'] }
  const images = await docker.listImages({ filters })
  expect(images.length).toBeGreaterThan(0)
  const mb = (bytes: number) => `${Math.round(bytes / 1_000_000)} MB`
  for (const { Id: id, Labels: labels, Size: bytes } of images) {
    const { Size: baseBytes } = (await docker.getImage(id).history()).at(-1)
    expect(baseBytes).toBeGreaterThan(0)
    const what = `${labels['redtrove.datastore']} ${labels['redtrove.version']}`
    console.log(`image of ${what}: ${mb(bytes)}, ${mb(bytes - baseBytes)} of them over its base`)
  }
})

it('a guest is created, started and ACTIVE', async () => {
  const rounds = []
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await timeOne(`start-${round}`))
  const median = (times: readonly number[]) => [...times].sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]
  const shown = (times: readonly number[]) =>
    `${median(times)} ms (${Math.min(...times)} to ${Math.max(...times)})`
  console.log(
    `${ROUNDS} guests, one after the other, median: create call to ACTIVE ${shown(rounds.map(({ activeMs }) => activeMs))}, container's start to first PONG ${shown(rounds.map(({ pongMs }) => pongMs))}`,
  )
})

/** Creates one, and deletes it. */
async function timeOne(name: string) {
  const calledMs = Date.now()
  const answer = await stack.client.send<{ instance: { id: string; password: string } }>(
    'POST',
    '/instances',
    { instance: { name, flavorRef: '1', volume: { size: 1 }, datastore: { type: 'redis' } } },
  )
  const { id, password } = answer.body.instance
  const [pong, activeAtMs] = await Promise.all([firstPong(id, password), untilActive(id)])
  await stack.client.send('DELETE', `/instances/${id}`)
  await stack.client.gone(id)
  return { activeMs: activeAtMs - calledMs, pongMs: pong.atMs - pong.startedAtMs }
}

async function firstPong(id: string, password: string) {
  const { NetworkSettings: network, State: state } = await waitUntil(
    'the container runs',
    () => docker.getContainer(`redtrove-${id}`).inspect(),
    (shown) => shown.State.Running,
    soon,
  )
  const host = Object.values(network.Networks)[0]?.IPAddress ?? ''
  await waitUntil(
    'redis-server answers',
    () => withRedis({ host, port: 6379 }, password, (redis) => redis.ping()),
    (answer) => answer === 'PONG',
    soon,
  )
  // The engine's clock is this machine's.
  return { atMs: Date.now(), startedAtMs: Date.parse(state.StartedAt) }
}

async function untilActive(id: string): Promise<number> {
  await waitUntil(
    'it is ACTIVE',
    () => stack.client.show(id),
    ({ status }) => status === 'ACTIVE',
    soon,
  )
  return Date.now()
}
