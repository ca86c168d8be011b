import type { Random } from '../random.js'
import type { Stage } from './stage.js'
import type { TrialSet } from './trial-set.js'

/** Where a fault strikes. */
export interface Scene {
  readonly stage: Stage
  readonly set: TrialSet
  readonly random: Random
}

/** What was done, and how it is undone. */
export interface Injected {
  readonly what: string
  /** Repeatable; a fault that ends by itself does nothing here. */
  heal(): Promise<void>
}

/** One kind of fault. */
export interface Fault {
  readonly name: string
  /** Row of the matrix in docs/faults.md. */
  readonly row: number
  inject(scene: Scene): Promise<Injected>
}

export const nothingToHeal = async () => undefined

/** Sends a signal to whoever is still there; answers with how many were. */
export function signal(pids: readonly number[], name: NodeJS.Signals): number {
  return pids.filter((pid) => {
    try {
      return pid > 0 && process.kill(pid, name)
    } catch {
      return false
    }
  }).length
}

/** The member that leads now, else any. */
export async function sourceOf({ set, random }: Scene): Promise<string> {
  return (await set.sourceId().catch(() => null)) ?? random.pick(set.members).id
}

/** A member that does not lead now; the source itself when there is no other. */
export async function replicaOf(scene: Scene): Promise<string> {
  const source = await sourceOf(scene)
  const others = scene.set.members.filter(
    ({ id }) => id !== source && !scene.set.left.has(id) && scene.set.pids(id).server > 0,
  )
  return others.length > 0 ? scene.random.pick(others).id : source
}
