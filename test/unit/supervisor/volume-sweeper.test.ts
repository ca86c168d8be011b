import { expect, it } from 'vitest'
import { sweepEach } from '../../../host/swarm/volumes/volume-sweeper.js'

const left = ['a', 'b', 'c', 'd', 'e', 'f'].map((instanceId) => ({ instanceId, nodeId: 'node' }))

it('a volume that cannot be removed keeps no other, and is said', async () => {
  const swept: string[] = []
  const sweep = async ({ instanceId }: { readonly instanceId: string }) => {
    if (instanceId === 'a') throw new Error('The volume of a is in use.')
    swept.push(instanceId)
  }
  await expect(sweepEach(left, sweep)).rejects.toThrow('The volume of a is in use.')
  expect(swept).toEqual(['b', 'c', 'd', 'e', 'f'])
})

it('some are swept side by side, never all of many', async () => {
  let now = 0
  let most = 0
  const sweep = async () => {
    now += 1
    most = Math.max(most, now)
    await Promise.resolve()
    now -= 1
  }
  await sweepEach(left, sweep)
  expect(most).toBe(4)
})
