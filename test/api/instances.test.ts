import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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

describe('creating a source', () => {
  it('answers 200 with BUILD, a password that is shown once, and an operation that was rung for', async () => {
    const answer = await create()
    expect(answer.status).toBe(200)
    const { id, password, status, addresses } = answer.body.instance
    expect({ status, addresses }).toEqual({ status: 'BUILD', addresses: undefined })
    expect(password).toMatch(/^\S{32}$/)
    expect(api.announced).toEqual([answer.headers['x-redtrove-operation-id']])
    const shown = await api.send('get', `/instances/${id}`)
    expect(shown.body.instance.password).toBeUndefined()
    expect(
      JSON.stringify(await api.store.sets.find((await api.store.instances.find(null, id)).instance.setId)),
    ).not.toContain(password)
  })

  it('takes what the OpenStack client sends', async () => {
    const asClient = {
      flavorRef: 1,
      volume: { size: 1, type: null },
      datastore: { type: 'redis', version: '7.0' },
      nics: [],
      access: { is_public: false },
    }
    const answer = await create(asClient)
    expect(answer.status).toBe(200)
    expect(answer.body.instance.access).toEqual({ is_public: false })
  })

  it.each([
    ['nothing', {}],
    ['null throughout', { volume: { size: 1, type: null }, nics: null, access: null, region_name: null }],
    ['empty values', { volume: { size: 1, type: '' }, access: { allowed_cidrs: [] }, availability_zone: '' }],
    ['access that says null', { access: { is_public: null, allowed_cidrs: null } }],
    ['an empty nic', { nics: [{}], region_name: 'RegionOne' }],
    ['what gophercloud sends', { databases: [], users: [], flavorRef: '1' }],
  ])('takes a wish for nothing: %s', async (_what, wish) => {
    expect((await create(wish)).status).toBe(200)
  })

  it.each([
    ['public access', { access: { is_public: true } }, /Public access is not offered.*Leave is_public out/],
    ['an address range', { access: { allowed_cidrs: ['10.9.9.9/32'] } }, /firewall/],
    ['a range that is none', { access: { allowed_cidrs: ['999.999.999.999/99'] } }, /allowed_cidrs/],
    ['a volume type', { volume: { size: 1, type: 'ssd' } }, /Leave the volume type out/],
    ['a network', { nics: [{ network_id: randomUUID() }] }, /Leave the nics out/],
    ['a network, as Terraform says it', { nics: [{ 'net-id': randomUUID() }] }, /Leave the nics out/],
    ['a region that is not there', { region_name: 'RegionTwo' }, /RegionOne/],
    ['a zone where there are none', { availability_zone: 'b' }, /redtrove.zone/],
  ])('refuses %s, which nothing would enforce, and says what to do', async (_what, wish, sentence) => {
    const answer = await create(wish)
    expect(answer.status, answer.text).toBe(400)
    expect(messageOf(answer.body)).toMatch(sentence)
    const [source = ''] = await api.healthySet(0)
    const { volume, ...ofReplicas } = { volume: undefined, ...wish }
    const replica = { name: 'r', replica_of: source, ...(volume ? { volume } : {}), ...ofReplicas }
    const refused = await api.send('post', '/instances', { instance: replica })
    expect(refused.status, refused.text).toBe(400)
    expect(messageOf(refused.body)).toMatch(sentence)
    expect(await api.store.instances.count('demo')).toBe(1)
  })

  it.each([
    ['no flavor', { flavorRef: undefined }, 400],
    ['unknown flavor', { flavorRef: '99' }, 400],
    ['no volume', { volume: undefined }, 400],
    ['a volume of no size', { volume: { size: 0 } }, 400],
    ['a volume above the limit', { volume: { size: 11 } }, 413],
    ['unknown datastore', { datastore: { type: 'oracle' } }, 404],
    ['unknown version', { datastore: { type: 'redis', version: '1.0' } }, 400],
    ['no name', { name: '' }, 400],
    ['a name without a letter or digit', { name: '---' }, 400],
    ['a name that is a number', { name: 1 }, 400],
    ['several replicas of nobody', { replica_count: 2 }, 400],
    ['databases', { databases: [{ name: 'x' }] }, 400],
    ['users', { users: [{ name: 'x', password: 'y' }] }, 400],
    ['a backup', { restorePoint: { backupRef: randomUUID() } }, 400],
    ['a configuration group', { configuration: randomUUID() }, 400],
    ['two nics', { nics: [{ network_id: randomUUID() }, { network_id: randomUUID() }] }, 400],
    [
      'a nic with an address and no subnet',
      { nics: [{ network_id: randomUUID(), ip_address: '10.0.0.1' }] },
      400,
    ],
  ])('refuses %s', async (_what, changes, status) => {
    const answer = await create(changes)
    expect(answer.status, answer.text).toBe(status)
    expect(await api.store.instances.count('demo')).toBe(0)
  })

  it('counts the quota per instance and replica', async () => {
    const small = await openTestApi({ REDTROVE_MAX_INSTANCES_PER_PROJECT: '3' })
    try {
      const [source = ''] = await small.healthySet(0)
      const replica = (n: number) =>
        small.send('post', '/instances', { instance: { name: 'r', replica_of: source, replica_count: n } })
      const refused = await replica(3)
      expect(refused.status).toBe(413)
      expect(messageOf(refused.body)).toMatch(/instances/)
      expect((await replica(2)).status).toBe(200)
    } finally {
      await small.close()
    }
  })
})

describe('creating replicas', () => {
  const replicas = (source: string, changes: object = {}) =>
    api.send('post', '/instances', { instance: { name: 'copy', replica_of: source, ...changes } })

  it('names several NAME-1 to NAME-n, shows them under the source at once, and answers with the last', async () => {
    const [source = ''] = await api.healthySet(0)
    const answer = await replicas(source, { replica_count: 3, access: { is_public: false } })
    expect(answer.status).toBe(200)
    expect(answer.body.instance).toMatchObject({
      name: 'copy-3',
      status: 'BUILD',
      replica_of: { id: source },
    })
    expect(answer.body.instance.password).toBeUndefined()
    const shown = await api.send('get', `/instances/${source}`)
    expect(shown.body.instance.replicas).toHaveLength(3)
    expect(shown.body.instance.status).toBe('ACTIVE')
    const names = (await api.send('get', '/instances')).body.instances.map(
      (one: { name: string }) => one.name,
    )
    expect(names.sort()).toEqual(['copy-1', 'copy-2', 'copy-3', 'source'])
  })

  it('keeps the name of a single one, and takes equal values and the old word', async () => {
    const [source = ''] = await api.healthySet(0)
    const same = {
      flavorRef: 1,
      volume: { size: 1 },
      datastore: { type: 'redis', version: '7.0' },
      replica_of: undefined,
      slave_of: source,
    }
    const answer = await replicas(source, same)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.body.instance.name).toBe('copy')
  })

  it('refuses each row of the validation matrix with its status', async () => {
    const [source = '', replica = ''] = await api.healthySet(1)
    const [foreign = ''] = await api.healthySet(0, 'other')
    const rows: readonly (readonly [string, string, object, number])[] = [
      ['1 not a UUID', 'nonsense', {}, 400],
      ['2 nobody', randomUUID(), {}, 404],
      ["2 another project's", foreign, {}, 404],
      ['3 a replica', replica, {}, 403],
      ['4 another flavor', source, { flavorRef: '2' }, 400],
      ['4 another volume', source, { volume: { size: 2 } }, 400],
      ['4 another version', source, { datastore: { type: 'redis', version: '6.0' } }, 400],
      ['4 locality', source, { locality: 'affinity' }, 400],
      ['5 databases', source, { databases: [{ name: 'x' }] }, 400],
      [
        '6 an address',
        source,
        { nics: [{ network_id: randomUUID(), subnet_id: randomUUID(), ip_address: '10.0.0.1' }] },
        400,
      ],
      ['7 none', source, { replica_count: 0 }, 400],
      ['7 four', source, { replica_count: 4 }, 400],
      ['7 text', source, { replica_count: '2' }, 400],
    ]
    for (const [what, id, changes, status] of rows) {
      const answer = await replicas(id, changes)
      expect(answer.status, `${what}: ${answer.text}`).toBe(status)
    }
    expect(await api.store.instances.count('demo')).toBe(2)
  })

  it('row 9: a source that does not serve gets none', async () => {
    const [source = ''] = await api.healthySet(0)
    await report(api.store, source, observed({ service: 'loading' }), 0, 2)
    expect((await replicas(source)).status).toBe(422)
    await report(api.store, source, observed(), 60_000, 3)
    expect((await replicas(source)).status).toBe(422)
    await report(api.store, source, observed(), 0, 4)
    expect((await replicas(source)).status).toBe(200)
    expect((await replicas(source)).status).toBe(422)
  })
})

describe('changing an instance', () => {
  it.each([
    ['put', { replica_of: null }],
    ['put', { replica_of: '' }],
    ['put', { replica_of: randomUUID() }],
    ['patch', { replica_of: null }],
    ['patch', { slave_of: null }],
    ['patch', { slave_of: '' }],
    ['put', { replica_of: null, name: 'alone' }],
  ] as const)('detaches by %s %j', async (method, instance) => {
    const [, replica = ''] = await api.healthySet(1)
    const answer = await api.send(method, `/instances/${replica}`, { instance })
    expect(answer.status, answer.text).toBe(202)
    expect(answer.text).toBe('')
    expect(answer.headers['content-type']).toMatch(/application\/json/)
    const shown = (await api.send('get', `/instances/${replica}`)).body.instance
    expect(shown).toMatchObject({ status: 'DETACH', operation: { kind: 'detach_replica' } })
    if ('name' in instance) expect(shown.name).toBe('alone')
    expect((await api.send(method, `/instances/${replica}`, { instance })).status).toBe(422)
  })

  it('refuses what cannot be changed', async () => {
    const [source = '', replica = ''] = await api.healthySet(1)
    const rows: readonly (readonly ['put' | 'patch', string, object, number])[] = [
      ['put', source, { replica_of: null }, 400],
      ['put', replica, { slave_of: null }, 400],
      ['put', replica, { replica_of: null, access: {} }, 400],
      ['put', replica, { size: 2 }, 400],
      ['put', replica, { configuration: randomUUID() }, 404],
      ['patch', replica, { datastore_version: '8.0' }, 501],
      ['put', replica, { name: '' }, 400],
      ['put', randomUUID(), { name: 'x' }, 404],
    ]
    for (const [method, id, instance, status] of rows) {
      const answer = await api.send(method, `/instances/${id}`, { instance })
      expect(answer.status, `${method} ${JSON.stringify(instance)}: ${answer.text}`).toBe(status)
    }
    expect(api.announced).toEqual([])
  })

  it('renames at once, refuses access that is not enforced, and takes an empty change', async () => {
    const [source = ''] = await api.healthySet(0)
    const put = (instance: object) => api.send('put', `/instances/${source}`, { instance })
    expect((await put({ name: 'renamed' })).status).toBe(202)
    expect((await put({ access: { is_public: true } })).status).toBe(400)
    expect((await put({ access: { allowed_cidrs: ['10.0.0.0/8'] } })).status).toBe(400)
    for (const access of [{ is_public: false }, { allowed_cidrs: [] }, {}, null])
      expect((await put({ access })).status).toBe(202)
    expect((await put({})).status).toBe(202)
    expect((await put({ configuration: null })).status).toBe(202)
    expect((await api.send('get', `/instances/${source}`)).body.instance).toMatchObject({
      name: 'renamed',
      access: { is_public: false },
    })
  })
})
