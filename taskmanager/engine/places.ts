import { kindOf, type OperationKind } from '../../domain/operation/kinds/index.js'
import type { Operation } from '../../domain/operation/operation.js'

/** Operations that one task manager carries out at once: of those that make a set serve again, and of all others. */
const PLACES = 32
type Placed = Pick<Operation, 'id' | 'kind' | 'projectId'>

/** Who is at work here. */
export interface Places {
  has(id: string): boolean
  /** Gives the operation a place, or false: it is here already, or its project holds as many places as are left. */
  enter(operation: Placed): boolean
  leave(id: string): void
}

/**
 * No place yet taken. A project gets a further place only while it holds fewer than are free, so that whoever comes next always finds one: one
 * project alone gets half of them, two get a third each, however many operations they open and however long these take.
 */
export function openPlaces(): Places {
  const here = new Map<string, Placed>()
  return {
    has: (id) => here.has(id),
    enter(operation) {
      if (here.has(operation.id)) return false
      const beside = [...here.values()].filter(({ kind }) => isUrgent(kind) === isUrgent(operation.kind))
      const held = beside.filter(({ projectId }) => projectId === operation.projectId).length
      if (held >= PLACES - beside.length) return false
      here.set(operation.id, operation)
      return true
    },
    leave: (id) => void here.delete(id),
  }
}

/** The order in which operations are taken: the urgent ones first, else as they are. */
export function urgentFirst<O extends Pick<Operation, 'kind'>>(operations: readonly O[]): readonly O[] {
  return operations.toSorted((a, b) => Number(isUrgent(b.kind)) - Number(isUrgent(a.kind)))
}

function isUrgent(kind: OperationKind): boolean {
  return kindOf(kind).urgent
}
