import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { frugalFlags } from '../../../guestagent/frugal-engine.js'

it.each([20, 22, 24])('Node %i has flags of its own for code that is seldom worth compiling', (major) => {
  expect(frugalFlags(major).length).toBeGreaterThan(0)
  expect(frugalFlags(major).includes('--interrupt-budget=2000000')).toBe(major < 22)
})

it('this Node knows every flag that an agent sets', () => {
  const flags = frugalFlags(Number.parseInt(process.versions.node, 10))
  const { status, stderr } = spawnSync(process.execPath, [...flags, '--version'], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
