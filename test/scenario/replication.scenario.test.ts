/* What users do with a replication set, from its first write to its last instance, wherever guests run. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { type Ledger, missingOn } from '../../demo/writers.js'
import { placeOfRing } from '../harness/places/choose.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'
import { writersOf } from '../harness/set-writers.js'
import type { Stack } from '../harness/stack.js'

const place = placeOfRing()
let stack: Stack
let set: ReplicaSet
let prefixes = 0

beforeAll(async () => {
  stack = await place.open()
})
afterAll(async () => {
  if (stack) await place.close(stack)
})

it('a source gets three replicas in one call, and each of them has its data', async () => {
  set = await replicaSet(stack, 'scenario', 3)
  const source = await set.sourceId()
  const ledger = await writing(async () => undefined)
  for (const id of set.ids) expect(await set.heldBy(id, lastPrefix(), ledger)).toEqual([])
  for (const id of set.ids.filter((id) => id !== source)) expect(await set.tryWrite(id)).toContain('READONLY')
})

it('a promote under writers loses nothing and copies nothing anew', async () => {
  const fullBefore = await set.fullSyncs()
  const [candidate = ''] = await replicasOf()
  const ledger = await writing(async () => {
    await done(candidate, 'promote_to_replica_source')
    await set.linksUp(candidate)
  })
  expect(await set.sourceId()).toBe(candidate)
  await nothingLost(ledger)
  expect(await set.fullSyncs()).toBe(fullBefore)
})

it('a redis-server that is killed comes back with what it acknowledged', async () => {
  const source = await set.sourceId()
  const ledger = await writing(async () => {
    process.kill((await place.pids(stack, source)).serverPid, 'SIGKILL')
    await waitUntil(
      'the source takes writes again',
      () => set.tryWrite(source),
      (said) => said === 'OK',
      { timeoutMs: 30_000 },
    )
  })
  await set.linksUp(source)
  await nothingLost(ledger)
})

it('an agent that is killed comes back, and its redis-server never stopped', async () => {
  const source = await set.sourceId()
  const before = await place.pids(stack, source)
  process.kill(before.agentPid, 'SIGKILL')
  const after = await waitUntil(
    'another agent runs',
    () => place.pids(stack, source),
    ({ agentPid }) => agentPid > 0 && agentPid !== before.agentPid,
    { timeoutMs: 30_000 },
  )
  expect(after.serverPid).toBe(before.serverPid)
  await stack.client.healthy(source)
  expect(await set.tryWrite(source)).toBe('OK')
})

it('a frozen source is ejected, and never takes a write again', async () => {
  const frozen = await set.sourceId()
  expect((await stack.client.act(frozen, 'eject_replica_source')).status).toBe(400)
  let wake = async () => {}
  const ledger = await writing(async () => {
    wake = await place.freeze(stack, frozen)
    const accepted = await stack.client.eject(frozen, 30_000)
    const ended = await stack.client.ended(accepted.operationId)
    expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
  })
  await wake()
  const source = await set.sourceId()
  expect(source).not.toBe(frozen)
  const missing = await missingOn(set.endpointOf(source), set.password, lastPrefix(), ledger)
  console.log(`${place.name}: eject lost ${missing.length} of ${ledger.acks.length} acknowledged writes`)
  expect(await set.tryWrite(frozen)).not.toBe('OK')
  await done(frozen, 'restart')
  const said = await waitUntil(
    'the ejected instance answers',
    () => set.tryWrite(frozen),
    (answer) => /^OK|NOREPLICAS|READONLY/.test(answer),
    { timeoutMs: 30_000 },
  )
  expect(said).toMatch(/NOREPLICAS|READONLY/)
})

it('a detached replica is a source of its own with the data of the set', async () => {
  const [replica = ''] = await replicasOf()
  await stack.client.healthy(replica)
  const answer = await stack.client.send('PUT', `/instances/${replica}`, { instance: { replica_of: null } })
  expect(answer.status).toBe(202)
  expect((await stack.client.ended(answer.operationId)).state).toBe('done')
  await stack.client.healthy(replica)
  expect(await set.tryWrite(replica)).toBe('OK')
})

it('what is deleted leaves nothing', async () => {
  const all = await stack.client.list()
  const order = [...all].sort((a, b) => (a.replicas?.length ?? 0) - (b.replicas?.length ?? 0))
  for (const { id } of order) {
    const answer = await stack.client.send('DELETE', `/instances/${id}`)
    expect(answer.status, JSON.stringify(answer.body)).toBe(202)
    await stack.client.gone(id)
  }
  expect(await place.left(stack)).toEqual([])
})

/** Has clients write while something is done, and a little before and after it. */
async function writing(act: () => Promise<void>): Promise<Ledger> {
  prefixes += 1
  const writers = writersOf(set, lastPrefix(), 30_000)
  try {
    await writers.more(200)
    await act()
    await writers.more(200)
  } finally {
    await writers.stop()
  }
  return writers.ledger
}

function lastPrefix(): string {
  return `s${prefixes}`
}

async function nothingLost(ledger: Ledger): Promise<void> {
  const source = await set.sourceId()
  expect(await missingOn(set.endpointOf(source), set.password, lastPrefix(), ledger)).toEqual([])
}

async function replicasOf(): Promise<readonly string[]> {
  return ((await stack.client.show(await set.sourceId())).replicas ?? []).map(({ id }) => id)
}

async function done(id: string, action: string): Promise<void> {
  const answer = await stack.client.act(id, action)
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202 })
  const ended = await stack.client.ended(answer.operationId)
  expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
}
