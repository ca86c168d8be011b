import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { withRedis } from '../harness/replica-set.js'
import { type Stack, startStack } from '../harness/stack.js'

/** A redis-server that will not start in the first new folder that asks after `armed` was made, and in no other. */
const dir = mkdtempSync(join(tmpdir(), 'redtrove-failing-'))
const program = join(dir, 'redis-server')
const SCRIPT = `#!/bin/sh
if [ "$1" != --version ] && [ -e ${dir}/armed ]; then
  if mkdir ${dir}/claimed 2>/dev/null; then pwd > ${dir}/claimed/who; fi
  if [ "$(cat ${dir}/claimed/who)" = "$(pwd)" ]; then echo "Can't start today"; exit 1; fi
fi
exec redis-server "$@"
`
let stack: Stack

beforeAll(async () => {
  writeFileSync(program, SCRIPT, { mode: 0o755 })
  stack = await startStack({ env: { REDTROVE_REDIS_SERVER: program } })
})
afterAll(async () => {
  await stack.stop()
  rmSync(dir, { recursive: true, force: true })
})

it('a replica that never comes up goes to ERROR alone, and can be tried again or deleted', async () => {
  const source = await stack.client.createSource('sound')
  writeFileSync(join(dir, 'armed'), '')
  const answer = await stack.client.send('POST', '/instances', {
    instance: { name: 'copy', replica_of: source.id, replica_count: 2 },
  })
  expect(answer.status).toBe(200)
  const operation = await stack.client.ended(answer.operationId, 120_000)
  expect(operation, JSON.stringify(operation)).toMatchObject({ state: 'done' })

  const replicas = ((await stack.client.show(source.id)).replicas ?? []).map(({ id }) => id)
  const shown = await Promise.all(replicas.map((id) => stack.client.show(id)))
  expect(shown.map(({ status }) => status).sort()).toEqual(['ACTIVE', 'ERROR'])
  const failed = shown.find(({ status }) => status === 'ERROR')
  const sound = shown.find(({ status }) => status === 'ACTIVE')
  expect(failed?.fault?.message).toMatch(/Can't start today/)
  await stack.client.healthy(source.id)
  await stack.client.healthy(sound?.id ?? '')
  const address = await stack.client.addressOf(source.id)
  expect(await withRedis(address, source.password, (redis) => redis.set('k', 'v'))).toBe('OK')

  expect((await stack.client.act(failed?.id ?? '', 'promote_to_replica_source')).status).toBe(422)
  rmSync(join(dir, 'armed'))
  const again = await stack.client.act(failed?.id ?? '', 'restart')
  expect(again.status).toBe(202)
  expect(await stack.client.ended(again.operationId)).toMatchObject({ state: 'done' })
  await stack.client.healthy(failed?.id ?? '')
  expect((await stack.client.send('DELETE', `/instances/${failed?.id}`)).status).toBe(202)
  await stack.client.gone(failed?.id ?? '')
})
