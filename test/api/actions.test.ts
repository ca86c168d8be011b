import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTestApi, type TestApi } from '../harness/api.js'
import { observed } from '../harness/observed.js'
import { report } from '../harness/stored.js'

let api: TestApi
beforeEach(async () => {
  api = await openTestApi()
})
afterEach(() => api.close())

const PLAIN = {
  name: 'cache',
  flavorRef: '1',
  volume: { size: 1 },
  datastore: { type: 'redis', version: '7.0' },
}
const create = (changes: object = {}) =>
  api.send('post', '/instances', { instance: { ...PLAIN, ...changes } })
const messageOf = (body: Record<string, { message: string }>) => Object.values(body)[0]?.message ?? ''

describe('acting on an instance', () => {
  const act = (id: string, action: object, project?: 'admin') =>
    api.send('post', `/instances/${id}/action`, action, project)

  it('promotes a replica and shows PROMOTE on every member', async () => {
    const ids = await api.healthySet(2)
    expect((await act(ids[1] ?? '', { promote_to_replica_source: {} })).status).toBe(202)
    for (const id of ids) {
      expect((await api.send('get', `/instances/${id}`)).body.instance).toMatchObject({
        status: 'PROMOTE',
        operating_status: '',
      })
    }
    expect((await act(ids[2] ?? '', { promote_to_replica_source: {} })).status).toBe(422)
    expect((await act(ids[0] ?? '', { restart: {} })).status).toBe(422)
  })

  it('refuses each row of the validation matrix with its status', async () => {
    const [source = '', replica = ''] = await api.healthySet(1)
    const [alone = ''] = await api.healthySet(0)
    const [foreign = ''] = await api.healthySet(1, 'other')
    const rows: readonly (readonly [string, string, object, number])[] = [
      ['20 promote a source', source, { promote_to_replica_source: {} }, 400],
      ['20 promote a stand-alone one', alone, { promote_to_replica_source: {} }, 400],
      ['22 eject a replica', replica, { eject_replica_source: {} }, 400],
      ['22 eject a stand-alone one', alone, { eject_replica_source: {} }, 400],
      ['23 eject a healthy source', source, { eject_replica_source: {} }, 400],
      ['28 nobody', randomUUID(), { restart: {} }, 404],
      ["28 another project's", foreign, { restart: {} }, 404],
      ['two actions', source, { restart: {}, promote_to_replica_source: {} }, 400],
      ['older data although replicas have newer', source, { restart: { accept_older_data: true } }, 422],
      ['no action', source, {}, 400],
      ['an unknown action', source, { explode: {} }, 400],
      ['arguments where there are none', source, { restart: { hard: true } }, 400],
      ['reset by an owner', source, { reset_status: {} }, 403],
      ['resize', source, { resize: { volume: { size: 2 } } }, 501],
    ]
    for (const [what, id, action, status] of rows) {
      const answer = await act(id, action)
      expect(answer.status, `${what}: ${answer.text}`).toBe(status)
    }
    expect(api.announced).toEqual([])
  })

  it('restarts with an older state of the data when that is asked for', async () => {
    const [alone = ''] = await api.healthySet(0)
    const { status, headers } = await act(alone, { restart: { accept_older_data: true } })
    expect(status).toBe(202)
    const operations = await api.store.operations.find(null, String(headers['x-redtrove-operation-id'] ?? ''))
    expect(operations.request).toEqual({ acceptOlderData: true })
  })

  it('ejects a silent source that no replica hears, and any when forced', async () => {
    const [source = '', replica = ''] = await api.healthySet(1)
    await report(api.store, source, observed(), 60_000, 2, 'old-boot')
    const streaming = await act(source, { eject_replica_source: {} })
    expect(streaming.status).toBe(400)
    expect(messageOf(streaming.body)).toMatch(/still receive/)
    await report(api.store, replica, observed({ role: 'replica', link: 'up', lastIoSecondsAgo: 5 }), 0, 2)
    expect((await act(source, { eject_replica_source: {} })).status).toBe(202)
    expect((await api.send('get', `/instances/${replica}`)).body.instance.status).toBe('EJECT')
    const [healthy = ''] = await api.healthySet(1)
    expect((await act(healthy, { eject_replica_source: { force: true } })).status).toBe(202)
  })

  it.each([-90_000, 10_000])('works with an API whose clock is %i ms off', async (byMs) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs })
    const [source = '', replica = ''] = await api.healthySet(1)
    expect((await api.send('get', `/instances/${source}`)).body.instance.operating_status).toBe('HEALTHY')
    expect((await act(source, { eject_replica_source: {} })).status).toBe(400)
    expect((await act(replica, { promote_to_replica_source: {} })).status).toBe(202)
    vi.useRealTimers()
  })

  it('ejects a source whose last report is from before the clock was set back', async () => {
    const [source = '', replica = ''] = await api.healthySet(1)
    await report(api.store, source, observed(), -3_600_000, 2)
    expect((await api.send('get', `/instances/${source}`)).body.instance.operating_status).toBe('ERROR')
    const alone = observed({ role: 'replica', link: 'down', lastIoSecondsAgo: -1 })
    await report(api.store, replica, alone, 0, 2)
    expect((await act(source, { eject_replica_source: {} })).status).toBe(202)
  })

  it('resets the status for an admin, and for an owner who says that it is to be deleted', async () => {
    const [source = ''] = await api.healthySet(0)
    expect((await act(source, { restart: {} })).status).toBe(202)
    await api.finish(source, {
      instances: { [source]: { fault: { message: 'broken', createdAtMs: 1, details: 'secret' } } },
    })
    const broken = (await api.send('get', `/instances/${source}`)).body.instance
    expect(broken).toMatchObject({
      status: 'ERROR',
      operating_status: 'ERROR',
      fault: { message: 'broken', details: null },
    })
    expect(
      (await api.send('get', `/instances/${source}`, undefined, 'admin')).body.instance.fault.details,
    ).toBe('secret')
    expect((await act(source, { reset_status: {} }, 'admin')).status).toBe(202)
    expect((await api.send('get', `/instances/${source}`)).body.instance.status).toBe('ACTIVE')
    expect((await act(source, { reset_status: { force_delete: null } })).status).toBe(202)
  })
})

describe('deleting an instance', () => {
  const remove = (id: string) => api.send('delete', `/instances/${id}`)

  it('shows SHUTDOWN, answers 202 again meanwhile, and 404 afterwards', async () => {
    const [source = ''] = await api.healthySet(0)
    expect((await remove(source)).status).toBe(202)
    expect((await api.send('get', `/instances/${source}`)).body.instance.status).toBe('SHUTDOWN')
    expect((await remove(source)).status).toBe(202)
    await api.finish(source, { instances: { [source]: { deleted: true } } })
    expect((await remove(source)).status).toBe(404)
    expect((await api.send('get', '/instances')).body.instances).toEqual([])
  })

  it('is refused for a source with replicas, while it is built, and while it is busy', async () => {
    const [source = '', replica = ''] = await api.healthySet(1)
    expect((await remove(source)).status).toBe(403)
    const built = await create()
    expect((await remove(built.body.instance.id)).status).toBe(422)
    await api.send('post', `/instances/${replica}/action`, { promote_to_replica_source: {} })
    expect((await remove(replica)).status).toBe(422)
  })
})
