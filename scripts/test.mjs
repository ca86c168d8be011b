/*
 * `npm test`: the whole truth of a landing. Prepares the machine, checks types and style, and runs every ring, a short seeded part of the fault
 * suite and guests in containers included; what is long by nature is in `npm run test:all`. `npm test -- test/PATH` runs one file or folder.
 */

import { orExplain, prepare, root } from './machine.mjs'
import { CHECK, chosenRings, containerParts, ring } from './rings.mjs'
import { closing, runSteps, tableOf } from './steps.mjs'

/** Two at a time: what is on real parts waits for much of its time, and a third one makes the two cores late for all of them. */
const AT_ONCE = 2
/** What works on most of its time (containers, quick) is beside what waits for much of its time. */
const STEPS = [
  ring('containers'),
  CHECK,
  ring('integration'),
  ring('faults', ['test/faults/random'], 'schedules'),
  ring('quick'),
  ring('swarm'),
  ring('faults', ['--exclude=test/faults/random*']),
]

await orExplain(async () => {
  process.chdir(root)
  const chosen = process.argv.slice(2)
  const named = chosen.length > 0
  await (named ? prepare('tests') : prepare('containers', containerParts))
  const done = await runSteps(named ? chosenRings(chosen) : STEPS, { atOnce: named ? 1 : AT_ONCE })
  const { line, code } = closing('tests', done)
  process.stdout.write(`\n${tableOf(done)}${line}`)
  return code
})
