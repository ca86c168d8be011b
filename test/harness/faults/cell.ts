/* One cell of the matrix: an operation is accepted, a fault strikes while it is carried out, and ends after a while. */
import { type Act, actNamed } from './acts.js'
import type { Fault, Scene } from './fault.js'
import { hold } from './hold.js'

export interface Cell {
  readonly fault: Fault
  readonly act: Act['name']
  readonly holdMs: number
}

const STRIKES_MS_MAX = 120

/** A trial's script of that cell. */
export function scriptOf({ fault, act, holdMs }: Cell) {
  return async (scene: Scene, log: (what: string) => void): Promise<readonly (() => Promise<void>)[]> => {
    const acted = await actNamed(act).act(scene)
    log(acted.what)
    await hold(scene.random.between(0, STRIKES_MS_MAX))
    const { what, heal } = await fault.inject(scene)
    log(what)
    await hold(holdMs)
    await heal()
    await acted.heal()
    return [heal, acted.heal]
  }
}
