import { describe, expect, it } from 'vitest'
import type { SwarmRecord } from '../../../host/swarm/records/guest-records.js'
import { adapted, foundServiceSchema, isAsWanted } from '../../../host/swarm/services/found-service.js'

const file = '/run/secrets/amqp-url'
const broker = [{ id: 'new', name: 'amqp-new', file }]
const record = (desired: SwarmRecord['desired']) => ({ desired }) as SwarmRecord // nothing else is looked at
const service = (replicas: number | undefined, secret = 'new') =>
  foundServiceSchema.parse({
    Version: { Index: 4 },
    Spec: {
      Name: 'redtrove-x',
      Labels: {},
      Mode: { Replicated: replicas === undefined ? {} : { Replicas: replicas } },
      TaskTemplate: {
        ContainerSpec: {
          Image: 'i',
          Secrets: [{ SecretID: secret, SecretName: 's', File: { Name: file, UID: '1' } }],
        },
        Placement: { Constraints: ['node.id==n'] },
        Runtime: 'container',
      },
    },
  })

describe('a service that is found', () => {
  it.each([
    ['runs as it should', service(1), record('running'), true],
    ['rests though it should run', service(0), record('running'), false],
    ['has an old address of the broker', service(1, 'old'), record('running'), false],
    ['rests as it should; Swarm leaves a zero out', service(undefined, 'old'), record('fenced'), true],
    ['runs though it is fenced', service(1), record('fenced'), false],
    ['runs and belongs to nobody', service(1), null, false],
  ])('%s', (_what, found, wanted, expected) => {
    expect(isAsWanted(found, wanted, broker)).toBe(expected)
  })

  it('keeps everything but what is wanted otherwise', () => {
    const next = adapted(service(0, 'old'), record('running'), broker)
    expect(next).toMatchObject({
      Mode: { Replicated: { Replicas: 1 } },
      TaskTemplate: {
        Runtime: 'container',
        ContainerSpec: {
          Image: 'i',
          Secrets: [{ SecretID: 'new', SecretName: 'amqp-new', File: { UID: '1' } }],
        },
      },
    })
  })

  it('a fence changes the number of tasks alone', () => {
    const found = service(1, 'old')
    expect(adapted(found, record('fenced'), broker)).toEqual({
      ...found.Spec,
      Mode: { Replicated: { Replicas: 0 } },
    })
  })
})
