/*
 * `npm test`: the whole truth of a landing. Prepares the machine, checks types and style, and runs every ring, a short seeded part of the fault
 * suite and guests in containers included; what is long by nature is in `npm run test:all`. `npm test -- test/PATH` runs one file or folder.
 */

import { orExplain, prepare, root } from './machine.mjs'
import { BASES, CHECK, chosenRings, ring } from './rings.mjs'
import { closing, runSteps, tableOf } from './steps.mjs'

/** Two at a time: what is on real parts waits for much of its time, and a third one makes the two cores late for all of them. */
const AT_ONCE = 2
/** What takes longest, or lets others begin, comes first. Both rings of engines have their data in the same folders. */
const STEPS = [
  BASES,
  CHECK,
  { ...ring('containers'), after: [BASES.name] },
  ring('integration'),
  { ...ring('swarm'), after: [BASES.name, 'containers'] },
  ring('quick'),
  ring('faults'),
]

await orExplain(async () => {
  process.chdir(root)
  const chosen = process.argv.slice(2)
  await prepare(chosen.length > 0 ? 'tests' : 'containers')
  const named = chosen.length > 0
  const done = await runSteps(named ? chosenRings(chosen) : STEPS, { atOnce: named ? 1 : AT_ONCE })
  const { line, code } = closing('tests', done)
  process.stdout.write(`\n${tableOf(done)}${line}`)
  return code
})
