import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { removeGuests } from '../places/docker-place.js'
import { clientOf, type EnginePlace, enginePlace, startEngine, stopEngine } from './engine.js'
import { buildGuestImages, CONTAINERS_DIR } from './images.js'
import { startVolumePlugin } from './volume-plugin.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Docker Engine of this run, with an image of each datastore version. */
    readonly engine: EnginePlace
  }
}

/** A vitest global setup: one Docker Engine for the whole run. Meant for a namespace of its own, where it may change the network. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!process.env.REDTROVE_TEST_NAMESPACE) throw new Error('Run these by npm run test:containers.')
  const engine = enginePlace(join(CONTAINERS_DIR, 'data'))
  const stopPlugin = await startVolumePlugin()
  const stop = async () => {
    await stopEngine(engine)
    await stopPlugin()
  }
  try {
    await startEngine(engine)
    // A run that was killed leaves its things in the data folder.
    await removeGuests(clientOf(engine))
    await buildGuestImages(engine)
  } catch (error) {
    await stop()
    throw error
  }
  project.provide('engine', engine)
  return stop
}
