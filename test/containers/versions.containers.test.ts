/* Sets of two neighbouring datastore versions; test/long has every other pair. Each version that there is an image of is in one. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  createSource,
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

describe('a set whose replica has the next version', () => {
  it.each(pairs([REDIS_6, REDIS_7], [REDIS_7, REDIS_8], [REDIS_7, VALKEY_8_0], [VALKEY_8_0, VALKEY_8_1]))(
    '$from.type $from.version, promoted to $to.type $to.version',
    (pair) => tryPair(stack.client, pair),
  )
})

it('an older replica is refused before anything is made', async () => {
  const source = await createSource(stack.client, 'older', REDIS_7)
  const answer = await stack.client.send('POST', '/instances', {
    instance: { name: 'older-replica', replica_of: source.id, datastore: REDIS_6 },
  })
  expect(answer.status).toBe(400)
  expect(JSON.stringify(answer.body)).toContain('redis 6.0 is older than redis 7.0')
})
