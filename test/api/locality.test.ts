import { afterEach, expect, it } from 'vitest'
import { openTestApi, type TestApi } from '../harness/api.js'
import { observed } from '../harness/observed.js'
import { report } from '../harness/stored.js'

let api: TestApi
afterEach(() => api.close())

async function sourceWith(locality: string): Promise<string> {
  const instance = { name: 'apart', flavorRef: '1', volume: { size: 1 }, locality }
  const { body } = await api.send('post', '/instances', { instance })
  await api.finish(body.instance.id)
  await report(api.store, body.instance.id, observed())
  return body.instance.id
}

it.each([
  ['process', 'anti-affinity', 422],
  ['docker', 'anti-affinity', 422],
  ['swarm', 'anti-affinity', 200],
  ['process', 'soft-anti-affinity', 200],
  ['process', 'affinity', 200],
])('a replica with the provider %s and %s: %d', async (compute, locality, status) => {
  api = await openTestApi({ REDTROVE_COMPUTE: compute })
  const source = await sourceWith(locality)
  const answer = await api.send('post', '/instances', { instance: { name: 'copy', replica_of: source } })
  expect(answer.status, answer.text).toBe(status)
  if (status === 422) expect(answer.text).toMatch(/one host.*soft-anti-affinity/)
})
