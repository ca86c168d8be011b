import { afterEach, beforeEach, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { openPassword } from '../../store/sealed-credentials.js'
import { openTestApi, type TestApi } from '../harness/api.js'

let api: TestApi
beforeEach(async () => {
  api = await openTestApi()
})
afterEach(() => api.close())

/** What the task manager does meanwhile. */
async function carryOut(source: string): Promise<string> {
  const { operation } = await waitUntil(
    'the operation is open',
    () => api.store.instances.find(null, source),
    (facts) => facts.operation !== null,
    { timeoutMs: 5_000 },
  )
  const found = await api.store.operations.find(null, operation?.id ?? '')
  const { sealedPassword, disable } = found.request as { sealedPassword: string; disable: boolean }
  await api.finish(source, { sets: { [found.setId]: { rootEnabledAtMs: disable ? null : 1 } } })
  return openPassword(api.context.keyRing, sealedPassword)
}

it('a password is made, shown once and known to the operation', async () => {
  const [source = ''] = await api.healthySet(1)
  expect((await api.send('get', `/instances/${source}/root`)).body).toEqual({ rootEnabled: false })
  const [answer, password] = await Promise.all([
    api.send('post', `/instances/${source}/root`),
    carryOut(source),
  ])
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual({ user: { name: '-', password }, failed_slaves: [] })
  expect((await api.send('get', `/instances/${source}/root`)).body).toEqual({ rootEnabled: true })
})

it('a password can be chosen, within the characters that no file format trips over', async () => {
  const [source = ''] = await api.healthySet(0)
  const [answer, password] = await Promise.all([
    api.send('post', `/instances/${source}/root`, { password: 'my-own-password' }),
    carryOut(source),
  ])
  expect(answer.status).toBe(200)
  expect(password).toBe('my-own-password')
  for (const bad of [
    'short',
    'with blank in',
    'quote"inside',
    'line\nbreak',
    'back\\slash',
    'ümlaut-password',
  ]) {
    expect((await api.send('post', `/instances/${source}/root`, { password: bad })).status, bad).toBe(400)
  }
})

it('disabling sets one that nobody is told, and needs one to have been set', async () => {
  const [source = ''] = await api.healthySet(0)
  expect((await api.send('delete', `/instances/${source}/root`)).status).toBe(404)
  await Promise.all([api.send('post', `/instances/${source}/root`), carryOut(source)])
  const [answer] = await Promise.all([api.send('delete', `/instances/${source}/root`), carryOut(source)])
  expect(answer.status).toBe(204)
  expect(answer.text).toBe('')
  expect((await api.send('get', `/instances/${source}/root`)).body).toEqual({ rootEnabled: false })
})

it('row 25: a replica has none of its own', async () => {
  const [, replica = ''] = await api.healthySet(1)
  expect((await api.send('post', `/instances/${replica}/root`)).status).toBe(400)
  expect((await api.send('delete', `/instances/${replica}/root`)).status).toBe(400)
})
