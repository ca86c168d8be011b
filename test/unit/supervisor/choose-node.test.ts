import { describe, expect, it } from 'vitest'
import type { Locality } from '../../../domain/instance/locality.js'
import { chooseNode, type Placed, type SwarmNode } from '../../../host/swarm/placement/choose-node.js'

const GB = 1024 ** 3
const node = (id: string, more: Partial<SwarmNode> = {}): SwarmNode => ({
  id,
  hostname: id,
  state: 'ready',
  active: true,
  zone: null,
  memoryBytes: 8 * GB,
  ...more,
})
const guest = (nodeId: string, setId: string): Placed => ({
  instanceId: `${setId} on ${nodeId}`,
  setId,
  nodeId,
  memoryBytes: GB,
})
const wish = (locality: Locality | null = null, zone: string | null = null) => ({
  instanceId: 'new',
  setId: 'own',
  memoryBytes: GB,
  zone,
  locality,
})
const NODES = [node('a'), node('b'), node('c')]

describe('a node for a guest', () => {
  it.each<[string, readonly Placed[], Locality | null, string]>([
    ['nobody anywhere: by id', [], null, 'a'],
    ['fewest guests', [guest('a', 'other'), guest('b', 'other')], null, 'c'],
    [
      'away from its set before fewest guests',
      [guest('a', 'own'), guest('b', 'x'), guest('b', 'y'), guest('c', 'own')],
      null,
      'b',
    ],
    ['anti-affinity', [guest('a', 'own'), guest('c', 'own'), guest('b', 'x')], 'anti-affinity', 'b'],
    [
      'soft-anti-affinity gives way',
      [guest('a', 'own'), guest('b', 'own'), guest('c', 'own')],
      'soft-anti-affinity',
      'a',
    ],
    ['affinity', [guest('b', 'own'), guest('b', 'x')], 'affinity', 'b'],
    ['affinity of a first member', [guest('b', 'x')], 'affinity', 'a'],
    ['soft-affinity', [guest('c', 'own')], 'soft-affinity', 'c'],
  ])('%s', (_what, placed, locality, expected) => {
    expect(chooseNode(NODES, placed, wish(locality)).id).toBe(expected)
  })

  it('leaves out nodes that are away, paused, in another zone or full', () => {
    const nodes = [
      node('a', { state: 'down', zone: 'z' }),
      node('b', { active: false, zone: 'z' }),
      node('c', { zone: 'other' }),
      node('d', { zone: 'z', memoryBytes: GB / 2 }),
      node('e', { zone: 'z' }),
    ]
    expect(chooseNode(nodes, [], wish(null, 'z')).id).toBe('e')
  })

  it('waits for one that has not been heard of yet, when no other will do', () => {
    const unheard = node('a', { state: 'unheard', zone: 'z' })
    const choose = (nodes: readonly SwarmNode[]) => () => chooseNode(nodes, [], wish(null, 'z'))
    expect(choose([unheard, node('b', { zone: 'z' })])().id).toBe('b')
    const refused = expect.objectContaining({
      kind: 'unavailable',
      message: expect.stringMatching(/of a yet/),
    })
    expect(choose([unheard])).toThrow(refused)
    expect(choose([unheard, node('b')])).toThrow(refused)
    expect(choose([node('a', { state: 'unheard', active: false })])).toThrow(/takes new guests/)
  })

  it('a guest that is placed anew is not in its own way', () => {
    const own = { ...guest('a', 'own'), instanceId: 'new' }
    expect(chooseNode([node('a')], [own], wish('anti-affinity')).id).toBe('a')
  })

  it.each<[string, readonly SwarmNode[], readonly Placed[], Locality | null, string | null, RegExp]>([
    ['none is active', [node('a', { active: false })], [], null, null, /takes new guests/],
    ['no such zone', NODES, [], null, 'z', /availability zone z/],
    [
      'one of the set everywhere',
      NODES,
      NODES.map(({ id }) => guest(id, 'own')),
      'anti-affinity',
      null,
      /without another member/,
    ],
    [
      'its set is where no room is',
      [node('a', { memoryBytes: GB }), node('b')],
      [guest('a', 'own')],
      'affinity',
      null,
      /enough memory/,
    ],
    ['no nodes at all', [], [], null, null, /no node/],
    ['all are away', [node('a', { state: 'down' })], [], null, null, /considered\)\.$/],
  ])('says what is missing: %s', (_what, nodes, placed, locality, zone, expected) => {
    expect(() => chooseNode(nodes, placed, wish(locality, zone))).toThrow(expected)
  })
})
