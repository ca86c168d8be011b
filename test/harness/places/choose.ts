import { inject } from 'vitest'
import { dockerPlace } from './docker-place.js'
import type { Place } from './place.js'
import { processPlace } from './process-place.js'

/** The place that this ring of tests is about. */
export function placeOfRing(): Place {
  return process.env.REDTROVE_TEST_COMPUTE === 'docker' ? dockerPlace(inject('engine')) : processPlace
}
