import { expect, it } from 'vitest'
import { overviewOf, wrongIn } from '../../../host/swarm/guest-overview.js'
import type { SwarmRecord } from '../../../host/swarm/records/guest-records.js'
import { foundServiceSchema } from '../../../host/swarm/services/found-service.js'

const [guest, sweep] = ['redtrove-g', 'redtrove-g-sweep'].map((Name) =>
  foundServiceSchema.parse({
    Version: { Index: 1 },
    Spec: {
      Name,
      Labels: { 'redtrove.instance': 'g' },
      Mode: { Replicated: { Replicas: 1 } },
      TaskTemplate: { ContainerSpec: {} },
    },
  }),
)
// Nothing else is looked at.
const record = { facts: { instanceId: 'g' }, desired: 'running' } as SwarmRecord
const seen = (services: unknown, records: readonly SwarmRecord[]) =>
  overviewOf({
    records: { all: async () => records },
    services: { all: async () => services },
    secrets: { owners: async () => [] },
  } as unknown as Parameters<typeof overviewOf>[0])

it.each([
  ['after', [guest, sweep]],
  ['before', [sweep, guest]],
])(
  'a sweep of an old volume that is listed %s its guest makes nobody settle that',
  async (_where, services) => {
    const overview = await seen(services, [record])
    expect(overview.get('g')?.service).toBe(guest)
    expect(wrongIn(overview, [], new Set())).toEqual([])
  },
)

it('a sweep that nobody ends is somebody’s to settle', async () => {
  expect(wrongIn(await seen([sweep], []), [], new Set())).toEqual(['g'])
})
