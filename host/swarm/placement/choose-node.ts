/* Which node of a Swarm a new guest goes to; pure. Swarm itself only carries it out: data do not move, so a guest is pinned. */

import { RedtroveError } from '../../../common/errors.js'
import type { Locality } from '../../../domain/instance/locality.js'

/** `unheard`: not heard of since the managers chose another leader; all are so for some seconds then, and a dead one for half a minute. */
export type NodeState = 'ready' | 'unheard' | 'down'

/** A node as managers see it. */
export interface SwarmNode {
  readonly id: string
  readonly hostname: string
  readonly state: NodeState
  /** Takes new guests: its availability is `active`. */
  readonly active: boolean
  /** Its label redtrove.zone. */
  readonly zone: string | null
  readonly memoryBytes: number
}

/** A guest that has a node already. */
export interface Placed {
  readonly instanceId: string
  readonly setId: string
  readonly nodeId: string
  readonly memoryBytes: number
}

/** What a new guest wants. */
export interface Wish {
  readonly instanceId: string
  readonly setId: string
  readonly memoryBytes: number
  readonly zone: string | null
  readonly locality: Locality | null
}

/**
 * The node for a guest: ready, active, in its zone, with memory left for it, as its locality says; among those the one with fewest
 * members of its set (unless these are to be together), then with fewest guests. Fails with `unprocessable`, naming what is missing, or
 * with `unavailable` when a node that has not been heard of yet may have it.
 */
export function chooseNode(nodes: readonly SwarmNode[], placed: readonly Placed[], wish: Wish): SwarmNode {
  const others = placed.filter(({ instanceId }) => instanceId !== wish.instanceId)
  const on = (node: SwarmNode) => others.filter(({ nodeId }) => nodeId === node.id)
  const members = (node: SwarmNode) => on(node).filter(({ setId }) => setId === wish.setId).length
  const freeBytes = (node: SwarmNode) =>
    node.memoryBytes - on(node).reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
  const isAlone = others.every(({ setId }) => setId !== wish.setId)
  const rules: readonly [what: string, fits: (node: SwarmNode) => boolean][] = [
    ['that is ready and takes new guests', ({ state, active }) => state === 'ready' && active],
    [`in the availability zone ${wish.zone}`, ({ zone }) => wish.zone === null || zone === wish.zone],
    [
      'beside the other members of its set',
      (node) => wish.locality !== 'affinity' || isAlone || members(node) > 0,
    ],
    ['without another member of its set', (node) => wish.locality !== 'anti-affinity' || members(node) === 0],
    ['with enough memory', (node) => freeBytes(node) >= wish.memoryBytes],
  ]
  const fitting = rules.reduce((left, [what, fits]) => {
    const next = left.filter(fits)
    if (next.length > 0) return next
    throw none(`The Swarm has no node ${what} (${left.length} considered)`, nodes)
  }, nodes)
  const together = wish.locality === 'affinity' || wish.locality === 'soft-affinity'
  const rank = (node: SwarmNode) => [members(node) * (together ? -1 : 1), on(node).length, -freeBytes(node)]
  const [first] = [...fitting].sort((a, b) => compare(rank(a), rank(b)) || (a.id < b.id ? -1 : 1))
  if (first) return first
  throw new RedtroveError('unprocessable', 'The Swarm has no node.')
}

function none(sentence: string, nodes: readonly SwarmNode[]): RedtroveError {
  const unheard = nodes.filter(isAwaited).map(({ hostname }) => hostname)
  if (unheard.length === 0) return new RedtroveError('unprocessable', `${sentence}.`)
  return new RedtroveError('unavailable', `${sentence}, and has not heard of ${unheard.join(', ')} yet.`)
}

/** Whether a node may turn out to take guests. */
export function isAwaited({ state, active }: Pick<SwarmNode, 'state' | 'active'>): boolean {
  return state === 'unheard' && active
}

function compare(a: readonly number[], b: readonly number[]): number {
  const differing = a.findIndex((value, at) => value !== b[at])
  return differing < 0 ? 0 : (a[differing] ?? 0) - (b[differing] ?? 0)
}
