import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSpecification } from '../../api/http/specification.js'
import { openTestApi, type TestApi } from '../harness/api.js'
import { observed } from '../harness/observed.js'
import { newInstance, openCreate, report } from '../harness/stored.js'

let api: TestApi
beforeEach(async () => {
  api = await openTestApi()
})
afterEach(() => api.close())

describe('instances', () => {
  it('a source shows replicas and no replica_of, a replica the reverse, a stand-alone one neither', async () => {
    const [source = '', replica = ''] = await api.healthySet(1)
    const [alone = ''] = await api.healthySet(0)
    const shown = async (id: string) => (await api.send('get', `/instances/${id}`)).body.instance
    const [one, other, third] = [await shown(source), await shown(replica), await shown(alone)]
    expect(Object.keys(one)).toContain('replicas')
    expect(Object.keys(one)).not.toContain('replica_of')
    expect(other.replica_of.id).toBe(source)
    expect(Object.keys(other)).not.toContain('replicas')
    expect(Object.keys(third).filter((key) => key.startsWith('replica'))).toEqual(['replication'])
    expect(one).toMatchObject({
      status: 'ACTIVE',
      operating_status: 'HEALTHY',
      ip: [expect.stringMatching(/^127\./)],
      flavor: { id: '1' },
    })
    expect(one.links[0].href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1\.0\/demo\/instances\//)
    expect(one.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/)
    expect(other.replication).toEqual({ role: 'replica', link: 'up', lag_bytes: 10, offset: 90 })
    const { members } = (await api.send('get', `/instances/${replica}/replication`)).body.replication
    expect(members[1]).toMatchObject({
      role: 'replica',
      observed_role: 'replica',
      link: 'up',
      lag_bytes: 10,
      offset: 90,
      last_io_seconds_ago: 0,
      memory_used_bytes: 1000,
      keys: 1,
    })
  })

  it('a silent agent makes the operating status ERROR and changes nothing else', async () => {
    const [source = ''] = await api.healthySet(0)
    await report(api.store, source, observed(), 60_000, 2, 'old')
    expect((await api.send('get', `/instances/${source}`)).body.instance).toMatchObject({
      status: 'ACTIVE',
      operating_status: 'ERROR',
    })
  })

  it('come in pages whose links lead through all of them once', async () => {
    for (let i = 0; i < 23; i++) await openCreate(api.store, newInstance({ name: `i${i}` }))
    const seen: string[] = []
    for (let path = '/instances?limit=9'; path; ) {
      const { body } = await api.send('get', path)
      seen.push(...body.instances.map((one: { id: string }) => one.id))
      const next = body.links?.[0]
      if (next) expect(next).toMatchObject({ rel: 'next', href: expect.stringMatching(/^http:/) })
      expect(body.instances_links).toEqual(body.links)
      path = next ? (new URL(next.href).href.split('/v1.0/demo')[1] ?? '') : ''
    }
    expect(new Set(seen).size).toBe(23)
    expect((await api.send('get', '/instances')).body.instances).toHaveLength(20)
    expect((await api.send('get', '/instances?limit=100')).body.instances).toHaveLength(20)
    expect((await api.send('get', '/instances?marker=zzz')).body).toEqual({ instances: [] })
    expect(
      (await api.send('get', '/instances/detail?limit=2&include_clustered=False')).body.instances[0].created,
    ).toBeDefined()
  })

  it('have links that lead back the way the request came, through a proxy that ends TLS too', async () => {
    await api.healthySet(1)
    const asked = (headers: Record<string, string>) =>
      api
        .raw()
        .get('/v1.0/demo/instances?limit=1')
        .set({ 'x-auth-token': 'demo-token-0123456789', host: 'db.example:8779', ...headers })
    const schemes = async (headers: Record<string, string>) => {
      const { body } = await asked(headers)
      const all = [...body.links, ...body.instances[0].links, ...body.instances[0].flavor.links]
      return [...new Set(all.map(({ href }: { href: string }) => /^.*:8779\//.exec(href)?.[0]))]
    }
    expect(await schemes({})).toEqual(['http://db.example:8779/'])
    expect(await schemes({ 'x-forwarded-proto': 'https' })).toEqual(['https://db.example:8779/'])
    expect(await schemes({ 'x-forwarded-proto': 'javascript' })).toEqual(['http://db.example:8779/'])
  })

  it.each(['limit=0', 'limit=-1', 'limit=abc', 'limit=1.5', 'limit='])(
    'a bad %s is 400, not 500',
    async (query) => {
      expect((await api.send('get', `/instances?${query}`)).status).toBe(400)
    },
  )

  it('the set view shows every member, the epoch and the drift', async () => {
    const [source = '', replica = ''] = await api.healthySet(1)
    await report(api.store, replica, observed({ role: 'source', fenced: true }), 0, 5)
    const { replication } = (await api.send('get', `/instances/${replica}/replication`)).body
    expect(replication).toMatchObject({ source_id: source, epoch: 2, operation_id: null })
    expect(replication.members.map((member: { id: string }) => member.id)).toEqual([source, replica])
    expect(replication.drift).toEqual([expect.stringContaining(replica)])
  })
})

describe('operations', () => {
  it('are listed and shown with their steps, of the project and of an instance', async () => {
    const [source = ''] = await api.healthySet(0)
    const answer = await api.send('post', `/instances/${source}/action`, { restart: {} })
    const id = answer.headers['x-redtrove-operation-id'] ?? ''
    const taken = await api.store.operations.takeLease(id, 'me', { attempt: 0, leaseBeat: 0 })
    const lease = { operationId: id, owner: 'me', attempt: taken?.attempt ?? 0 }
    await api.store.operations.saveSteps(lease, [
      { seq: 1, name: 'stop', state: 'done', startedAtMs: 1, endedAtMs: 2, detail: 'saved' },
    ])
    const { operation } = (await api.send('get', `/operations/${id}`)).body
    expect(operation).toMatchObject({
      kind: 'restart_instance',
      state: 'preparing',
      instance_id: source,
      steps: [{ name: 'stop', state: 'done', detail: 'saved' }],
    })
    expect((await api.send('get', `/instances/${source}/operations`)).body.operations).toHaveLength(2)
    expect((await api.send('get', '/operations')).body.operations).toHaveLength(2)
    const first = (await api.send('get', '/operations?limit=1')).body
    expect(first.operations_links).toEqual([{ rel: 'next', href: expect.stringContaining('marker=') }])
    expect(first.links).toEqual(first.operations_links)
    expect((await api.send('get', `/operations/${id}`, undefined, 'other')).status).toBe(404)
  })

  it('come newest first, page after page, each once', async () => {
    const made: string[] = []
    for (let i = 0; i < 23; i += 1)
      made.unshift((await openCreate(api.store, newInstance({ name: `i${i}` }))).id)
    const first = (await api.send('get', '/operations')).body
    expect(first.operations.map((one: { id: string }) => one.id)).toEqual(made.slice(0, 20))
    const next = new URL(first.links[0].href).search
    const second = (await api.send('get', `/operations${next}`)).body
    expect(second.operations.map((one: { id: string }) => one.id)).toEqual(made.slice(20))
    expect(second.links).toBeUndefined()
    expect((await api.send('get', '/operations?marker=zzz')).body).toEqual({ operations: [] })
  })
})

describe('the catalog', () => {
  it('has flavors with a number and a text as id, and 404 for a name', async () => {
    const { flavors } = (await api.send('get', '/flavors')).body
    expect(flavors[0]).toMatchObject({ id: 1, str_id: '1' })
    expect((await api.send('get', '/flavors/1')).body.flavor.name).toBe(flavors[0].name)
    expect((await api.send('get', '/flavors/redis.tiny')).status).toBe(404)
  })

  it('has datastores and versions by name and by id', async () => {
    const { datastores } = (await api.send('get', '/datastores')).body
    const [redis] = datastores
    expect(redis).toMatchObject({ name: 'redis', versions: [{ name: '7.0', version: '7.0.15' }] })
    expect(redis.default_version).toBe(redis.versions[0].id)
    for (const path of ['/datastores/redis', `/datastores/${redis.id}`])
      expect((await api.send('get', path)).body.datastore.id).toBe(redis.id)
    expect((await api.send('get', '/datastores/redis/versions')).body.versions).toHaveLength(1)
    for (const path of [
      '/datastores/redis/versions/7.0',
      `/datastores/redis/versions/${redis.default_version}`,
      `/datastores/versions/${redis.default_version}`,
    ]) {
      expect((await api.send('get', path)).body.version.name).toBe('7.0')
    }
    for (const path of [
      '/datastores/oracle',
      '/datastores/oracle/versions',
      '/datastores/redis/versions/1.0',
      '/datastores/versions/x',
    ]) {
      expect((await api.send('get', path)).status).toBe(404)
    }
  })

  it('has limits and quotas', async () => {
    await api.healthySet(1)
    expect((await api.send('get', '/limits')).body.limits[0]).toMatchObject({
      verb: 'ABSOLUTE',
      max_instances: 10,
    })
    expect((await api.send('get', '/mgmt/quotas/demo')).body.quotas).toEqual([
      { resource: 'instances', in_use: 2, reserved: 0, limit: 10 },
    ])
    expect((await api.send('get', '/mgmt/quotas/other')).status).toBe(403)
    expect((await api.send('get', '/mgmt/quotas/demo', undefined, 'admin')).status).toBe(200)
  })
})

describe('the service itself', () => {
  it('has the version document that clients expect, health, and its description', async () => {
    const versions = await api.raw().get('/')
    expect(versions.body.versions).toEqual([
      {
        id: 'v1.0',
        status: 'CURRENT',
        updated: '2012-08-01T00:00:00Z',
        links: [{ rel: 'self', href: expect.stringMatching(/^http.*\/v1\.0\/$/) }],
      },
    ])
    expect((await api.raw().get('/healthcheck')).body).toEqual({ status: 'ok' })
    expect((await api.raw().get('/openapi.yaml')).text).toContain('openapi: 3.1.0')
    expect((await api.raw().get('/docs')).text).toContain('swagger-ui')
    expect((await api.raw().get('/docs/assets/swagger-ui-bundle.js')).status).toBe(200)
  })

  it('serves its own page and no other, with a policy that loads nothing from elsewhere', async () => {
    for (const file of ['index.html', 'swagger-initializer.js', 'oauth2-redirect.html', 'package.json', ''])
      expect((await api.raw().get(`/docs/assets/${file}`)).status, file).toBe(404)
    const page = await api.raw().get('/docs')
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'self';.*frame-ancestors 'none'/)
    expect(page.text).not.toMatch(/https?:/)
  })

  it('lets nobody keep or reinterpret an answer, whatever it is', async () => {
    const token = 'demo-token-0123456789'
    const create = { instance: { name: 'a', flavorRef: '1', volume: { size: 1 } } }
    const answers = [
      await api.raw().post('/v1.0/demo/instances').set('x-auth-token', token).send(create),
      await api.raw().get('/v1.0/demo/instances').set('x-auth-token', token),
      await api.raw().get('/v1.0/demo/instances'),
      await api.raw().get('/nothing'),
      await api.raw().get('/'),
      await api.raw().get('/healthcheck').set('host', 'a b'),
      await api.raw().get('/docs/assets/swagger-ui.css'),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 404, 200, 400, 200])
    for (const { headers } of answers) {
      expect(headers['cache-control']).toBe('no-store')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    }
  })

  it('needs a token whose project is the path’s', async () => {
    const missing = await api.raw().get('/v1.0/demo/instances')
    expect(missing.status).toBe(401)
    expect(missing.headers['www-authenticate']).toMatch(/^Keystone uri=/)
    expect(missing.body.error).toMatchObject({ code: 401, title: 'Unauthorized' })
    const token = 'demo-token-0123456789'
    const other = await api.raw().get('/v1.0/other/instances').set('x-auth-token', token)
    expect(other.status).toBe(403)
    expect(other.body).toEqual({ message: expect.any(String), code: '403 Forbidden', title: 'Forbidden' })
    expect((await api.raw().get('/v1.0/').set('x-auth-token', token)).status).toBe(403)
    expect((await api.raw().get('/v1.0').set('x-auth-token', token)).status).toBe(403)
  })

  it('says 404 to unknown addresses and to known ones with another method', async () => {
    for (const path of ['/dbaas/instances', '/0.0/', '/v2.0/x'])
      expect((await api.raw().get(path)).body.itemNotFound.code).toBe(404)
    expect((await api.send('delete', '/instances')).status).toBe(404)
    expect((await api.send('get', '/nothing')).body.itemNotFound.code).toBe(404)
  })

  it("shows nothing of another project's, whatever the route", async () => {
    const [source = '', replica = ''] = await api.healthySet(1)
    const routes = readSpecification().operations.filter(({ path }) => path.includes('{instance_id}'))
    expect(routes.length).toBeGreaterThan(8)
    for (const { method, path, hasBody } of routes) {
      const route = path.replace('/v1.0/{project_id}', '').replace('{instance_id}', replica)
      const body = !hasBody
        ? undefined
        : path.endsWith('/action')
          ? { restart: {} }
          : path.endsWith('/root')
            ? {}
            : { instance: { name: 'stolen' } }
      const answer = await api.send(method, route, body, 'other')
      expect(answer.status, `${method} ${route}`).toBe(404)
    }
    expect((await api.send('get', '/instances', undefined, 'other')).body.instances).toEqual([])
    expect((await api.send('get', `/instances/${source}`)).body.instance.name).toBe('source')
  })

  it('answers 503 with Retry-After while the database is away', async () => {
    await api.store.close()
    const answer = await api.send('get', '/flavors')
    expect(answer.status).toBe(200)
    const away = await api.send('get', '/instances')
    expect([500, 503]).toContain(away.status)
  })
})
