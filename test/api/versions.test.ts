import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTestApi, type TestApi } from '../harness/api.js'
import { observed } from '../harness/observed.js'
import { report } from '../harness/stored.js'

let api: TestApi
beforeEach(async () => {
  api = await openTestApi()
  await api.store.catalog.offer([
    { datastore: 'redis', name: '6.0', version: '6.0.16' },
    { datastore: 'redis', name: '7.0', version: '7.0.15' },
    { datastore: 'redis', name: '8.0', version: '8.0.2' },
    { datastore: 'valkey', name: '8.1', version: '8.1.1' },
  ])
})
afterEach(() => api.close())

const copy = (source: string, datastore: object) =>
  api.send('post', '/instances', { instance: { name: 'copy', replica_of: source, datastore } })

describe('a set with members of different versions', () => {
  it.each([
    [{ type: 'redis', version: '8.0' }, 200, '8.0'],
    [{ version: '8.0' }, 200, '8.0'],
    [{ version_number: '8.0.2' }, 200, '8.0'],
    [{ type: 'valkey', version: '8.1' }, 200, '8.1'],
    [{ type: 'redis' }, 200, '7.0'],
    [{ type: 'redis', version: '6.0' }, 400, null],
    [{ type: 'redis', version: '5.0' }, 400, null],
    [{ type: 'oracle' }, 404, null],
  ])('a replica of 7.0 in %j: %d', async (datastore, status, version) => {
    const [source = ''] = await api.healthySet(0)
    const answer = await copy(source, datastore)
    expect(answer.status, answer.text).toBe(status)
    if (version !== null) expect(answer.body.instance.datastore.version).toBe(version)
  })

  it('says why an older one cannot follow', async () => {
    const [source = ''] = await api.healthySet(0)
    const answer = await copy(source, { type: 'redis', version: '6.0' })
    expect(answer.body.badRequest.message).toContain('redis 6.0 is older than redis 7.0')
  })

  it('a newer replica may lead, and the older one may not lead it afterwards', async () => {
    const [source = ''] = await api.healthySet(0)
    const replica: string = (await copy(source, { version: '8.0' })).body.instance.id
    const endpoint = { host: '127.77.1.1', port: 6379 }
    await api.finish(source, { instances: { [replica]: { endpoint } } })
    const promote = (id: string) =>
      api.send('post', `/instances/${id}/action`, { promote_to_replica_source: {} })
    const follows = { role: 'replica', link: 'up', lastIoSecondsAgo: 0, fenced: true } as const
    await report(api.store, replica, observed(follows))
    expect((await promote(replica)).status).toBe(202)
    await api.finish(replica, {
      instances: { [source]: { role: 'replica' }, [replica]: { role: 'source' } },
    })
    const answer = await promote(source)
    expect(answer.status).toBe(400)
    expect(answer.body.badRequest.message).toMatch(
      /redis 7.0 and cannot lead a set whose source runs redis 8.0/,
    )
  })
})
