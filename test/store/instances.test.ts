import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Store } from '../../store/store.js'
import { describeOnBoth, type TestDatabase } from '../harness/database.js'
import { observed } from '../harness/observed.js'
import { finish, newInstance, openCreate, report, storedSet } from '../harness/stored.js'

describeOnBoth('instances', (open) => {
  let database: TestDatabase
  let store: Store
  beforeEach(async () => {
    database = await open()
    store = database.store
  })
  afterEach(() => database.close())

  it("are found by their own project and by nobody else's", async () => {
    const [id = ''] = await storedSet(store, 0)
    expect((await store.instances.find('demo', id)).instance.id).toBe(id)
    await expect(store.instances.find('other', id)).rejects.toMatchObject({ kind: 'not_found' })
    expect((await store.instances.find(null, id)).instance.id).toBe(id)
  })

  it('come in pages by id, each once, with one row too many to say that more exist', async () => {
    const made: string[] = []
    for (let i = 0; i < 7; i++) {
      const instance = newInstance({ name: `i${i}` })
      await openCreate(store, instance)
      made.push(instance.id)
    }
    await openCreate(store, newInstance({ projectId: 'other' }))
    const seen: string[] = []
    for (let marker: string | undefined; ; marker = seen.at(-1)) {
      const rows = await store.instances.list('demo', {
        limit: 3,
        ...(marker === undefined ? {} : { marker }),
      })
      seen.push(...rows.slice(0, 3).map(({ instance }) => instance.id))
      if (rows.length <= 3) break
    }
    expect(seen).toEqual([...made].sort())
    expect(await store.instances.list('demo', { limit: 3, marker: 'zzz' })).toEqual([])
  })

  it('are found and listed the same by many who ask at once, each within their own project', async () => {
    for (const projectId of ['demo', 'other']) {
      for (let i = 0; i < 6; i++)
        await openCreate(store, newInstance({ projectId, name: `${projectId}${i}` }))
    }
    const idsOf = async (project: string) =>
      (await store.instances.list(project, { limit: 20 })).map(({ instance }) => instance.id)
    const [demo, other] = [await idsOf('demo'), await idsOf('other')]
    const pages = [undefined, ...demo].map((marker) => ({ limit: 2, ...(marker ? { marker } : {}) }))
    const listed = await Promise.all([
      ...pages.map((page) => store.instances.list('demo', page)),
      ...pages.map((page) => store.instances.list('other', page)),
    ])
    const expected = (ids: readonly string[]) =>
      pages.map(({ marker = '' }) => ids.filter((id) => id > marker).slice(0, 3))
    expect(listed.map((page) => page.map(({ instance }) => instance.id))).toEqual([
      ...expected(demo),
      ...expected(other),
    ])
    const found = await Promise.allSettled([...demo, ...other].map((id) => store.instances.find('demo', id)))
    expect(found.map(({ status }) => status)).toEqual([
      ...demo.map(() => 'fulfilled'),
      ...other.map(() => 'rejected'),
    ])
  })

  it('that reported lately are found without the others', async () => {
    const [early = '', late = ''] = [...(await storedSet(store, 0)), ...(await storedSet(store, 0))]
    await report(store, early, observed(), 200_000)
    await report(store, late, observed(), 100_000)
    const within = async (ms: number) =>
      (await store.instances.reportedWithin(ms)).map(({ instance }) => instance.id)
    expect(await within(150_000)).toEqual([late])
    expect(await within(250_000)).toEqual([early, late].sort())
    const [never = ''] = await storedSet(store, 0)
    await openCreate(store, newInstance({ name: 'not up yet, and held' }))
    expect(await store.instances.silentFor(150_000)).toEqual([early, never].sort())
    await report(store, late, observed(), -3_600_000, 2)
    expect(await store.instances.silentFor(150_000)).toEqual([early, never, late].sort())
  })

  it('carry their set, their report and the operation that holds them', async () => {
    const ids = await storedSet(store, 2)
    const [source = '', ...replicas] = ids
    await report(store, source, observed({ offset: 7 }))
    const facts = await store.instances.find('demo', source)
    expect(facts).toMatchObject({
      sourceId: source,
      operation: null,
      stored: { bootId: 'boot', seq: 1, observation: { offset: 7 } },
    })
    expect([...facts.replicaIds].sort()).toEqual([...replicas].sort())
    const [replica = ''] = replicas
    expect(await store.instances.find('demo', replica)).toMatchObject({
      sourceId: source,
      replicaIds: [],
      stored: null,
    })
    const members = await store.instances.membersOf(facts.instance.setId)
    expect(members[0]?.instance.id).toBe(source)
    expect(members).toHaveLength(3)
  })

  it('share no address while they live; a deleted one gives its own back', async () => {
    const [one = '', other = ''] = [(await storedSet(store, 0))[0], (await storedSet(store, 0))[0]]
    await store.instances.setEndpoint(one, { host: '127.9.9.9', port: 6379 })
    await store.instances.setEndpoint(one, { host: '127.9.9.9', port: 6379 })
    await expect(store.instances.setEndpoint(other, { host: '127.9.9.9', port: 6379 })).rejects.toMatchObject(
      { kind: 'conflict' },
    )
    const setId = (await store.instances.find(null, one)).instance.setId
    const operation = await store.operations.open({
      kind: 'delete_instance',
      projectId: 'demo',
      instanceId: one,
      setId,
      request: {},
      requestId: 'r',
      askedBy: 'a test',
      deadlineMs: 1,
    })
    await finish(store, operation, { instances: { [one]: { deleted: true } } })
    await expect(store.instances.find(null, one)).rejects.toMatchObject({ kind: 'not_found' })
    await store.instances.setEndpoint(other, { host: '127.9.9.9', port: 6379 })
    expect(await store.instances.count('demo')).toBe(1)
  })

  it('keep the newest report of a boot, and any of a new boot', async () => {
    const [id = ''] = await storedSet(store, 0)
    const offset = async () => (await store.observations.find(id))?.observation.offset
    await report(store, id, observed({ offset: 2 }), 0, 2)
    await report(store, id, observed({ offset: 1 }), 0, 1)
    expect(await offset()).toBe(2)
    await report(store, id, observed({ offset: 3 }), 0, 1, 'later-boot')
    expect(await offset()).toBe(3)
    await store.observations.save(
      [5, 4].map((seq) => ({
        instanceId: id,
        bootId: 'later-boot',
        seq,
        observation: observed({ offset: 100 + seq }),
        agoMs: 0,
      })),
    )
    expect(await offset()).toBe(105)
  })

  it('can be renamed', async () => {
    const [id = ''] = await storedSet(store, 0)
    await store.instances.rename(id, 'new')
    expect((await store.instances.find(null, id)).instance.name).toBe('new')
    await expect(store.instances.rename('nobody', 'x')).rejects.toMatchObject({ kind: 'not_found' })
  })

  it('the catalog has stable ids and one default, and turns off what is not offered any more', async () => {
    await store.catalog.offer([
      { datastore: 'redis', name: '7.0', version: '7.0.15' },
      { datastore: 'redis', name: '6.0', version: '6.0.16' },
    ])
    const before = await store.catalog.datastoreVersions()
    expect(before.filter(({ isDefault }) => isDefault)).toMatchObject([{ name: '7.0' }])
    await store.catalog.offer([{ datastore: 'redis', name: '7.0', version: '7.0.16' }])
    const after = await store.catalog.datastoreVersions()
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id))
    expect(after.filter(({ active }) => active)).toMatchObject([
      { name: '7.0', version: '7.0.16', isDefault: true },
    ])
  })
})
