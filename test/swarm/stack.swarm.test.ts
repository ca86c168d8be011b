/* The control plane on a Swarm, brought up with one command; test/long has what takes longer. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { clientOf } from '../harness/containers/engine.js'
import { type Stacked, stackUp } from '../harness/swarm/stack.js'

const machines = inject('swarm')
const [manager] = machines
if (!manager) throw new Error('no machine')
const docker = clientOf(manager.engine)
let plane: Stacked

beforeAll(async () => {
  plane = await stackUp(machines)
}, 500_000)
afterAll(async () => {
  await plane?.down()
}, 240_000)

it('says where it is, and a second run changes nothing', async () => {
  const said = plane.said.match(/^redtrove stack ready: (https:\/\/\S+)$/m)?.[1]
  expect(said).toMatch(/^https:\/\/10\.213\.0\.11:8779\/v1\.0\/demo$/)
  const versions = async () => {
    const services: { Spec?: { Name?: string }; Version?: { Index?: number } }[] = JSON.parse(
      JSON.stringify(await docker.listServices()),
    )
    return services.map(({ Spec, Version }) => `${Spec?.Name} ${Version?.Index}`).sort()
  }
  const tasks = async () => (await plane.docker('stack', 'ps', 'stacked', '-q')).trim().split('\n').sort()
  const before = [await tasks(), (await versions()).length]
  expect(await plane.again()).toBe(plane.said)
  expect([await tasks(), (await versions()).length]).toEqual(before)
})
