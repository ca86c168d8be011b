import { expect, test } from 'vitest'
import { openPlaces } from '../../../taskmanager/engine/places.js'

const kind = 'restart_instance' as const

/** How many places each of `projects` holds when all of them take what they can get, in turn. */
function held(projects: number): readonly number[] {
  const places = openPlaces()
  const counts = Array.from({ length: projects }, () => 0)
  for (let round = 0; round < 40; round += 1) {
    for (const [index, count] of counts.entries()) {
      const isIn = places.enter({ id: `${index}/${round}`, kind, projectId: String(index) })
      counts[index] = count + Number(isIn)
    }
  }
  return counts
}

test.each([
  [1, 16],
  [2, 11],
  [3, 8],
  [15, 2],
])('%i projects that want all get about an equal share (at most %i), and leave a place', (projects, most) => {
  const counts = held(projects)
  expect(Math.max(...counts)).toBeLessThanOrEqual(most)
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  expect(counts.reduce((sum, one) => sum + one, 0)).toBeLessThan(32)
})

test('a place that was left is free again, and nobody has two', () => {
  const places = openPlaces()
  expect(places.enter({ id: 'a', kind, projectId: 'p' })).toBe(true)
  expect(places.enter({ id: 'a', kind, projectId: 'p' })).toBe(false)
  places.leave('a')
  expect(places.has('a')).toBe(false)
  expect(places.enter({ id: 'a', kind, projectId: 'p' })).toBe(true)
})
