/* What a guest runs out of: the space of its volume, its memory, the volume itself. Volumes have a size here, by a driver of the tests. */
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { clientOf } from '../harness/containers/engine.js'
import { SIZED_DRIVER, UNIT_MB } from '../harness/containers/volume-plugin.js'
import { type WrittenSet, writtenSet } from '../harness/containers/written-set.js'
import { dockerPlace } from '../harness/places/docker-place.js'
import type { Stack } from '../harness/stack.js'

const docker = clientOf(inject('engine'))
const place = dockerPlace(inject('engine'), {
  REDTROVE_DOCKER_VOLUME_DRIVER: SIZED_DRIVER,
  REDTROVE_DOCKER_VOLUME_OPTIONS: 'size={gb}',
  REDTROVE_MAX_INSTANCES_PER_PROJECT: '100',
})
const MB = 1024 * 1024
let stack: Stack

beforeAll(async () => {
  stack = await place.open()
})
afterAll(async () => {
  if (stack) await place.close(stack)
})

const container = (id: string) => docker.getContainer(`redtrove-${id}`)

it('disk full on the source: it refuses writes and says why, and serves again when there is space', async () => {
  const written = await writtenSet(stack, 'full-source', 2)
  const source = await written.set.sourceId()
  await written.writers.more(300)
  const { folder, filler } = await fillVolume(source)
  expect(statfsSync(folder).blocks * statfsSync(folder).bsize).toBe(UNIT_MB * MB)
  await refused(written)
  await complaint(source, /cannot write its data to disk/)
  rmSync(filler)
  await written.writers.more(300)
  const { source: now, ledger } = await written.whole()
  expect(now).toBe(source)
  say(`disk full on the source, ${written.refusals('MISCONF')} writes refused`, ledger.acks.length)
})

it('disk full on the source: a replica can be promoted meanwhile, and the old source follows when there is space', async () => {
  const written = await writtenSet(stack, 'full-promote', 2)
  const { set } = written
  const source = await set.sourceId()
  await written.writers.more(300)
  const { filler } = await fillVolume(source)
  await refused(written)
  const [candidate = ''] = set.ids.filter((id) => id !== source)
  const answer = await stack.client.act(candidate, 'promote_to_replica_source')
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202 })
  const ended = await stack.client.ended(answer.operationId, 120_000)
  expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
  await written.writers.more(300)
  rmSync(filler)
  const { source: now, ledger } = await written.whole()
  expect(now).toBe(candidate)
  say('disk full on the source and a replica promoted', ledger.acks.length)
})

it('disk full on a replica: nobody else is affected, and it follows again when there is space', async () => {
  const written = await writtenSet(stack, 'full-replica', 2)
  const { set } = written
  const source = await set.sourceId()
  const [replica = ''] = set.ids.filter((id) => id !== source)
  await written.writers.more(300)
  const { filler } = await fillVolume(replica)
  const shown = await complaint(replica, /The disk is full/)
  const before = written.refusals('MISCONF')
  await written.writers.more(300)
  expect(written.refusals('MISCONF')).toBe(before)
  rmSync(filler)
  const restart = await stack.client.act(replica, 'restart')
  expect(restart, JSON.stringify(restart.body)).toMatchObject({ status: 202 })
  expect(await stack.client.ended(restart.operationId)).toMatchObject({ state: 'done' })
  const { source: now, ledger } = await written.whole()
  expect(now).toBe(source)
  say(`disk full on a replica (${shown.operating_status}: ${shown.fault?.message})`, ledger.acks.length)
})

it.each(['source', 'replica'])(
  'memory used up in the container of a %s: redis-server is killed and comes back with its data',
  async (which) => {
    const written = await writtenSet(stack, `memory-${which}`, 2)
    const { set } = written
    const source = await set.sourceId()
    const id = which === 'source' ? source : (set.ids.find((other) => other !== source) ?? '')
    await written.writers.more(300)
    const [{ serverPid }, before] = [await place.pids(stack, id), await oomKills(id)]
    // The kernel takes redis-server first, whoever it is that takes the memory.
    writeFileSync(`/proc/${serverPid}/oom_score_adj`, '1000')
    const eater = await container(id).exec({ Cmd: ['tail', '/dev/zero'] })
    await eater.start({ Detach: true })
    await waitUntil(
      'another redis-server runs, and the eater does not',
      async () => ({ ...(await place.pids(stack, id)), eats: (await eater.inspect()).Running }),
      (seen) => seen.serverPid > 0 && seen.serverPid !== serverPid && !seen.eats,
      { timeoutMs: 60_000 },
    )
    const kills = (await oomKills(id)) - before
    expect(kills).toBeGreaterThanOrEqual(2)
    await written.writers.more(300)
    const { source: now, ledger } = await written.whole()
    expect(now).toBe(source)
    say(`memory used up on the ${which}, ${kills} processes killed by the kernel`, ledger.acks.length)
  },
)

it("a replica's volume taken away from under it is said, and starts nothing empty; it can be deleted", async () => {
  const written = await writtenSet(stack, 'taken', 2)
  const { set } = written
  const source = await set.sourceId()
  const [replica = '', other = ''] = set.ids.filter((id) => id !== source)
  await written.writers.more(300)
  const { Mountpoint: folder } = await docker.getVolume(`redtrove-${replica}`).inspect()
  rmSync(folder, { recursive: true })
  process.kill((await place.pids(stack, replica)).serverPid, 'SIGKILL')
  await complaint(replica, /is gone, or its volume is/)
  const { agentPid, serverPid } = await place.pids(stack, replica)
  expect(serverPid).toBe(0)
  expect(agentPid).toBeGreaterThan(0)
  await written.writers.more(300)
  await stack.client.send('DELETE', `/instances/${replica}`)
  await stack.client.gone(replica)
  for (const id of [source, other]) await stack.client.healthy(id)
  const ledger = await written.writers.stop()
  for (const id of [source, other]) expect(await set.heldBy(id, 'taken', ledger)).toEqual([])
  say("a replica's volume taken away", ledger.acks.length)
})

it("a source's container and volume removed: none is made anew, a replica leads with all that it had", async () => {
  const written = await writtenSet(stack, 'removed', 2)
  const { set } = written
  const source = await set.sourceId()
  await written.writers.more(300)
  // What is acknowledged and not sent yet goes with the source; here nobody writes at that moment.
  const ledger = await written.writers.stop()
  for (const id of set.ids) expect(await set.heldBy(id, 'removed', ledger)).toEqual([])
  await container(source).remove({ force: true })
  const volume = docker.getVolume(`redtrove-${source}`)
  await removed(volume, source)
  const accepted = await stack.client.eject(source)
  const ended = await stack.client.ended(accepted.operationId)
  expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
  await expect(volume.inspect()).rejects.toThrow(/no such volume/i)
  const next = await set.sourceId()
  expect(next).not.toBe(source)
  for (const id of set.ids.filter((one) => one !== source)) {
    await stack.client.healthy(id)
    expect(await set.heldBy(id, 'removed', ledger)).toEqual([])
  }
  expect(await set.tryWrite(next)).toBe('OK')
  say("a source's container and volume removed", ledger.acks.length)
})

it('a driver that refuses to make a volume: the fault has its words, and the instance can be deleted', async () => {
  const without = dockerPlace(inject('engine'), {
    REDTROVE_DOCKER_VOLUME_DRIVER: SIZED_DRIVER,
    REDTROVE_DOCKER_NETWORK: '172.29',
  })
  const other = await without.open()
  try {
    const answer = await other.client.send<{ instance: { id: string } }>('POST', '/instances', {
      instance: { name: 'refused', flavorRef: '1', volume: { size: 1 }, datastore: { type: 'redis' } },
    })
    const { id } = answer.body.instance
    const shown = await waitUntil(
      'the instance is in ERROR',
      () => other.client.show(id),
      ({ status }) => status === 'ERROR',
      { timeoutMs: 60_000 },
    )
    expect(shown.fault?.message).toContain('a volume needs size=NUMBER')
    await other.client.send('DELETE', `/instances/${id}`)
    await other.client.gone(id)
  } finally {
    await other.stop()
  }
})

/** Leaves no room on a guest's volume. */
async function fillVolume(id: string): Promise<{ readonly folder: string; readonly filler: string }> {
  const { Mountpoint: folder } = await docker.getVolume(`redtrove-${id}`).inspect()
  const filler = join(folder, 'filler')
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(filler, Buffer.alloc(bavail * bsize))
  return { folder, filler }
}

async function refused(written: WrittenSet): Promise<void> {
  await waitUntil(
    'the source refuses writes',
    () => written.refusals('MISCONF'),
    (count) => count > 100,
    { timeoutMs: 60_000 },
  )
}

/** What the API says of an instance that is in trouble. */
async function complaint(id: string, what: RegExp) {
  return waitUntil(
    `the API says what is wrong with ${id}`,
    () => stack.client.show(id),
    (shown) => shown.operating_status !== 'HEALTHY' && what.test(shown.fault?.message ?? ''),
    { timeoutMs: 60_000 },
  )
}

/** Times the kernel has killed in the guest's own group because its memory was used up. */
async function oomKills(id: string): Promise<number> {
  const { State: state } = await container(id).inspect()
  const groups = readFileSync(`/proc/${state.Pid}/cgroup`, 'utf8')
  const [, one] = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.+)$/m.exec(groups) ?? []
  const [, all = ''] = /^0::(.+)$/m.exec(groups) ?? []
  const file = one ? `memory${one}/memory.oom_control` : `${all}/memory.events`
  return Number(/^oom_kill (\d+)$/m.exec(readFileSync(join('/sys/fs/cgroup', file), 'utf8'))?.[1])
}

function say(what: string, acks: number): void {
  console.log(`${what}: ${acks} acknowledged writes, 0 lost`)
}

/** The host part may make the container again in between, which then uses the volume. */
async function removed(volume: ReturnType<typeof docker.getVolume>, id: string): Promise<void> {
  await waitUntil(
    `the volume of ${id} is removed`,
    async () => {
      await container(id)
        .remove({ force: true })
        .catch(() => undefined)
      return volume.remove().then(
        () => true,
        () => false,
      )
    },
    (done) => done,
    { timeoutMs: 20_000 },
  )
}
