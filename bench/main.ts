/* `npm run bench [name …]`: measures, prints, and writes bench/results.md. Never part of `npm test`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api } from './api.js'
import { create } from './create.js'
import { eject } from './eject.js'
import type { Bench } from './figure.js'
import { fleet } from './fleet.js'
import { memory } from './memory.js'
import { promote } from './promote.js'
import { conditionsOf, describeMachine, renderResults, type Section } from './report.js'
import { rest } from './rest.js'
import { resume } from './resume.js'
import { rpc } from './rpc.js'
import { watchSteal } from './steal.js'

const BENCHES: readonly Bench[] = [promote, eject, create, resume, rpc, fleet, api, memory, rest]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !BENCHES.some((bench) => bench.name === name))
if (unknown.length > 0) {
  process.stderr.write(
    `No bench is called ${unknown.join(', ')}; there are: ${BENCHES.map(({ name }) => name).join(', ')}.\n`,
  )
  process.exit(64)
}

const sections: Section[] = []
for (const bench of BENCHES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  process.stderr.write(`bench: ${bench.name} ...\n`)
  const machine = describeMachine()
  const stolen = watchSteal()
  const figures = await bench.run((what) => process.stderr.write(`bench: ${bench.name}: ${what}\n`))
  const section = { bench: bench.name, machine, figures, stolen: stolen() }
  sections.push(section)
  // A part of the figures is for looking at; only a whole run is a result. Written as it grows: a long run may be cut off.
  if (wanted.length === 0)
    writeFileSync(join(import.meta.dirname, 'results.md'), renderResults(sections, BENCHES.length))
  process.stdout.write(`        ${conditionsOf(section)}\n`)
  for (const { name, ours, baseline, ratio, bar, holds, notes = [] } of figures) {
    process.stdout.write(`${holds ? 'holds' : 'MISSED'}  ${name}: ${ours}`)
    process.stdout.write(`${baseline ? ` | ${baseline}` : ''}${ratio ? ` | ${ratio}` : ''} | bar ${bar}\n`)
    for (const note of notes) process.stdout.write(`        ${note}\n`)
  }
}
if (wanted.length === 0) process.stdout.write('written: bench/results.md\n')
