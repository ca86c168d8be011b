/*
 * `npm test`: the whole truth of a landing. Prepares the machine, checks types and style, and runs every ring, a short seeded part of the fault
 * suite and guests in containers included; what is long by nature is in `npm run test:all`. `npm test -- test/PATH` runs one file or folder.
 */

import { closing, runLanes, tableOf } from './lanes.mjs'
import { orExplain, prepare, root } from './machine.mjs'
import { BASES, CHECK, chosenRings, ring } from './rings.mjs'

/** Two at a time: what is on real parts waits for much of its time, and a third lane makes the two cores late for all of them. */
const LANES = [
  [CHECK, ring('quick'), ring('integration')],
  [ring('faults'), BASES, ring('containers'), ring('swarm')],
]

await orExplain(async () => {
  process.chdir(root)
  const chosen = process.argv.slice(2)
  await prepare(chosen.length > 0 ? 'tests' : 'containers')
  const done = await runLanes(chosen.length > 0 ? [await chosenRings(chosen)] : LANES)
  const { line, code } = closing('tests', done)
  process.stdout.write(`\n${tableOf(done)}${line}`)
  return code
})
