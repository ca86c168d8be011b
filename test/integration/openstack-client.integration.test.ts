import { afterAll, beforeAll, describe } from 'vitest'
import { openstackBy, openstackTests } from '../harness/openstack-client.js'
import { type Stack, startStack } from '../harness/stack.js'

describe('openstack database instance …', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack()
  })
  afterAll(() => stack.stop())

  openstackTests(() => ({
    openstack: openstackBy(stack.clientrc),
    client: stack.client,
    freeze: async (id) => {
      for (const pid of stack.guestPids(id)) process.kill(pid, 'SIGSTOP')
    },
  }))
})
