/* Every pair of datastore versions that test/containers/versions.containers.test.ts leaves out: each alone, and those that are no neighbours. */
import { afterAll, beforeAll, describe, inject, it } from 'vitest'
import {
  pairs,
  REDIS_6,
  REDIS_7,
  REDIS_8,
  tryPair,
  VALKEY_8_0,
  VALKEY_8_1,
} from '../harness/containers/version-pair.js'
import { dockerPlace } from '../harness/places/docker-place.js'
import type { Stack } from '../harness/stack.js'

const place = dockerPlace(inject('engine'))
let stack: Stack

beforeAll(async () => {
  stack = await place.open()
})
afterAll(async () => {
  if (stack) await place.close(stack)
})

describe('a set whose replica has the same or a much newer version', () => {
  it.each(
    pairs(
      [REDIS_6, REDIS_6],
      [REDIS_7, REDIS_7],
      [REDIS_8, REDIS_8],
      [VALKEY_8_0, VALKEY_8_0],
      [VALKEY_8_1, VALKEY_8_1],
      [REDIS_6, REDIS_8],
      [REDIS_6, VALKEY_8_0],
      [REDIS_6, VALKEY_8_1],
      [REDIS_7, VALKEY_8_1],
    ),
  )('$from.type $from.version, promoted to $to.type $to.version', (pair) => tryPair(stack.client, pair))
})
