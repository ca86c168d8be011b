import { inject } from 'vitest'
import { dockerPlace } from './docker-place.js'
import type { Place } from './place.js'
import { processPlace } from './process-place.js'
import { swarmPlace } from './swarm-place.js'

/** The place that this ring of tests is about. */
export function placeOfRing(): Place {
  switch (process.env.REDTROVE_TEST_COMPUTE) {
    case 'docker':
      return dockerPlace(inject('engine'))
    case 'swarm':
      return swarmPlace(inject('swarm'))
    default:
      return processPlace
  }
}
