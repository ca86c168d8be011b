/* Row 23: three faults and up to three operations at times that a seed decides. */
import { ACTS } from './acts.js'
import type { Fault, Scene } from './fault.js'
import { hold } from './hold.js'
import { LINK_FAULTS } from './link-faults.js'
import { PROCESS_FAULTS } from './process-faults.js'
import { STORE_FAULTS } from './store-faults.js'

export const ALL_FAULTS: readonly Fault[] = [...PROCESS_FAULTS, ...LINK_FAULTS, ...STORE_FAULTS]

const FAULTS = 3

/** Faults begin within two seconds of each other and hold for up to four; operations are asked for in between. */
export async function randomSchedule(
  scene: Scene,
  log: (what: string) => void,
): Promise<readonly (() => Promise<void>)[]> {
  const { random } = scene
  const heals: (() => Promise<void>)[] = []
  // Chosen before anything happens, so that the seed alone decides what and when.
  const faults = Array.from({ length: FAULTS }, () => ({
    fault: random.pick(ALL_FAULTS),
    atMs: random.between(0, 2_000),
    holdMs: random.between(300, 4_000),
  }))
  const acts = Array.from({ length: random.between(1, 3) }, () => ({
    act: random.pick(ACTS),
    atMs: random.between(0, 2_500),
  }))
  const inject = async ({ fault, atMs, holdMs }: (typeof faults)[number]) => {
    await hold(atMs)
    const { what, heal } = await fault.inject(scene)
    heals.push(heal)
    log(`${what}, for ${holdMs} ms`)
    await hold(holdMs)
    await heal()
  }
  const act = async ({ act: chosen, atMs }: (typeof acts)[number]) => {
    await hold(atMs)
    log(`asks to ${chosen.name}`)
    const { what, heal } = await chosen.act(scene)
    heals.push(heal)
    log(what)
  }
  const results = await Promise.allSettled([...faults.map(inject), ...acts.map(act)])
  const failed = results.find((result) => result.status === 'rejected')
  for (const heal of heals) await heal()
  if (failed) throw failed.reason
  return heals
}
