import { afterEach, beforeEach, expect, it } from 'vitest'
import { openTestApi, type TestApi } from '../harness/api.js'
import { observed } from '../harness/observed.js'
import { report } from '../harness/stored.js'

let api: TestApi
beforeEach(async () => {
  api = await openTestApi()
})
afterEach(() => api.close())

it('a refusal names its instance as people know it, with the id that nobody else has', async () => {
  const [source = '', replica = '', silent = ''] = await api.healthySet(2)
  const [alone = ''] = await api.healthySet(0)
  await report(api.store, silent, observed({ role: 'replica', fenced: true }), 60_000, 2, 'old')
  const act = (id: string, action: object) => ['post', `/instances/${id}/action`, action] as const
  const replicaOf = (id: string) =>
    ['post', '/instances', { instance: { name: 'n', replica_of: id } }] as const
  const refused: readonly (readonly [string, readonly ['post' | 'put' | 'delete', string, object?]])[] = [
    [`source (${source})`, act(source, { promote_to_replica_source: {} })],
    [`source (${source})`, act(source, { eject_replica_source: {} })],
    [`replica-1 (${replica})`, act(replica, { eject_replica_source: {} })],
    [`replica-2 (${silent})`, act(silent, { promote_to_replica_source: {} })],
    [`source (${source})`, act(source, { restart: { accept_older_data: true } })],
    [`source (${source})`, ['put', `/instances/${source}`, { instance: { replica_of: null } }]],
    [`source (${source})`, ['delete', `/instances/${source}`]],
    [`replica-1 (${replica})`, ['post', `/instances/${replica}/root`]],
    [`source (${alone})`, ['delete', `/instances/${alone}/root`]],
    [`replica-1 (${replica})`, replicaOf(replica)],
  ]
  for (const [named, [method, path, body]] of refused) {
    const answer = await api.send(method, path, body)
    expect(answer.status, path).toBeGreaterThanOrEqual(400)
    expect(JSON.stringify(answer.body), JSON.stringify(body)).toContain(named)
  }
})

it('a refusal of an instance that is held names the member that is held', async () => {
  const [source = '', replica = ''] = await api.healthySet(1)
  await api.send('post', `/instances/${replica}/action`, { restart: {} })
  const { body } = await api.send('post', `/instances/${source}/action`, {
    eject_replica_source: { force: true },
  })
  expect(body.unprocessableEntity.message).toContain(`Instance replica-1 (${replica}) is busy`)
})

it('drift is said of an instance by its name', async () => {
  const [, replica = ''] = await api.healthySet(1)
  await report(api.store, replica, observed({ role: 'source', fenced: true }), 0, 5)
  const { replication } = (await api.send('get', `/instances/${replica}/replication`)).body
  expect(replication.drift).toEqual([expect.stringContaining(`instance replica-1 (${replica}) `)])
})
