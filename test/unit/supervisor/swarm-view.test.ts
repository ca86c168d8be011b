import { expect, it } from 'vitest'
import { mayRun, runningPid, type SwarmTask } from '../../../host/swarm/swarm-view.js'

const NODES = [{ id: 'here' }]
const task = (state: string, more: Partial<Pick<SwarmTask, 'NodeID' | 'DesiredState'>> = {}): SwarmTask => ({
  ID: 't',
  NodeID: 'here',
  DesiredState: 'shutdown',
  Status: { State: state, Err: '', Message: '', ContainerStatus: { PID: 7 } },
  ...more,
})

it.each<[string, SwarmTask, boolean]>([
  ['its node said that it ended', task('shutdown'), false],
  ['it failed', task('failed'), false],
  ['it runs', task('running', { DesiredState: 'running' }), true],
  ['it is to end, and its node has not said so', task('running'), true],
  ['it is being prepared', task('preparing'), true],
  ['its node was silent for a day', task('orphaned'), true],
  ['its node was removed from the Swarm', task('orphaned', { NodeID: 'gone' }), false],
  ['called off before it had a node', task('pending', { NodeID: '' }), false],
  ['waiting for a node', task('pending', { NodeID: '', DesiredState: 'running' }), true],
])('may run: %s', (_what, seen, expected) => {
  expect(mayRun(seen, NODES)).toBe(expected)
})

it('runs with the pid that its node gave, and only when it is to run', () => {
  expect(runningPid([task('failed'), task('running', { DesiredState: 'running' })])).toBe(7)
  expect(runningPid([task('running')])).toBeNull()
  expect(runningPid([])).toBeNull()
})
