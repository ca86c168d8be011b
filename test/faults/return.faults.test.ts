import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { signal } from '../harness/faults/fault.js'
import { openStage, type Stage } from '../harness/faults/stage.js'
import { openTrialSet } from '../harness/faults/trial-set.js'
import { directRedis } from '../harness/workload/direct-redis.js'

/* Row 18: clients on the source's side of a partition keep writing to it; it is ejected, and comes back with what they wrote. */
let stage: Stage

beforeAll(async () => {
  stage = await openStage()
}, 120_000)
afterAll(() => stage.stop(), 120_000)

it('row 18: a source that was cut off and ejected stops taking writes with the eject, and never takes one again', async () => {
  const { client } = stage.stack
  const set = await openTrialSet(stage, 2)
  const [source = { id: '', endpoint: { host: '', port: 0 } }, ...replicas] = set.members
  const agent = () => [set.pids(source.id).agent]
  // A client that is connected already and writes on, whatever the rest of the world says.
  const insider = directRedis(source.endpoint, set.password, 500)
  await insider.connect()
  ;(await stage.toMember(source.endpoint.host)).setWeather({ kind: 'blackhole' })
  stage.toBroker.setWeather({ kind: 'blackhole' }, stage.linksOf(agent))
  let extra = 0
  const writing = setInterval(() => {
    insider.sadd('extra', String(extra)).then(
      () => {
        extra += 1
      },
      () => undefined,
    )
  }, 5)
  const answer = await client.eject(source.id, 20_000)
  const operation = await client.ended(answer.operationId)
  expect(operation, JSON.stringify(operation)).toMatchObject({ state: 'done' })
  const atEnd = extra
  clearInterval(writing)
  expect(atEnd).toBeGreaterThan(0)
  await expect(insider.sadd('extra', 'late')).rejects.toThrow()
  insider.disconnect()
  for (const proxy of [stage.toBroker, await stage.toMember(source.endpoint.host)])
    proxy.setWeather({ kind: 'clear' })
  const leader = (await set.sourceId()) ?? ''
  expect(replicas.map(({ id }) => id)).toContain(leader)
  const refused = () => set.ask(source.id, (redis) => redis.set('returned', '1')).catch(String)
  // It comes back: by its agent, by a restart through the API, by somebody with a shell on its host.
  const restarted = await client.ended((await client.act(source.id, 'restart')).operationId)
  expect(restarted).toMatchObject({ state: 'done' })
  expect(await refused()).toMatch(/NOREPLICAS/)
  signal([set.pids(source.id).server], 'SIGKILL')
  await waitUntil('it is back', refused, (said) => /NOREPLICAS/.test(String(said)), { timeoutMs: 20_000 })
  signal(agent(), 'SIGKILL')
  await waitUntil('it is still fenced', refused, (said) => /NOREPLICAS/.test(String(said)), {
    timeoutMs: 20_000,
  })
  // Killed by the fence: what was acknowledged while the append-only file waited for its flush is not on its disk.
  const kept = await set.ask(source.id, (redis) => redis.scard('extra'))
  expect(kept).toBeGreaterThan(0)
  console.log(
    `row 18: ${atEnd} writes were acknowledged on the cut-off side until the fence, 0 after it; ${kept} are readable on the ejected instance`,
  )
  const others = await Promise.all(
    replicas.map(({ id }) => set.ask(id, (redis) => redis.set('probe', '1')).catch(String)),
  )
  expect(others.filter((said) => said === 'OK')).toHaveLength(1)
  for (const { id } of [...replicas, ...replicas, source]) {
    const gone = await client.send('DELETE', `/instances/${id}`)
    if (gone.status === 202) await client.ended(gone.operationId)
  }
}, 120_000)

it('row 19: of operations that are asked for at once on one set, one wins and the others are refused', async () => {
  const { client } = stage.stack
  const rounds = process.env.REDTROVE_TEST_FAULTS === 'all' ? 100 : 10
  const set = await openTrialSet(stage, 2)
  const counts: Record<number, number> = {}
  for (let round = 0; round < rounds; round += 1) {
    const source = (await set.sourceId()) ?? ''
    const [one = '', other = ''] = set.members.map(({ id }) => id).filter((id) => id !== source)
    const answers = await Promise.all([
      client.act(one, 'promote_to_replica_source'),
      client.act(other, 'promote_to_replica_source'),
      client.act(source, 'eject_replica_source'),
      client.act(one, 'promote_to_replica_source'),
      client.act(source, 'restart'),
    ])
    const accepted = answers.filter(({ status }) => status === 202)
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
    expect(accepted, JSON.stringify(answers.map(({ status, body }) => [status, body]))).toHaveLength(1)
    expect(answers.filter(({ status }) => ![202, 400, 409, 422].includes(status))).toEqual([])
    const ended = await client.ended(accepted[0]?.operationId ?? null)
    expect(['done', 'rolled_back'], JSON.stringify(ended)).toContain(ended.state)
    for (const { id } of set.members) await client.healthy(id)
  }
  console.log(`row 19: ${rounds} races of five, answers ${JSON.stringify(counts)}`)
}, 900_000)
