import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import type { Figure } from './figure.js'

/** What one bench found, and on what. */
export interface Section {
  readonly bench: string
  readonly machine: Machine
  readonly figures: readonly Figure[]
  /** Of the processors' time, what the machine's host gave to others meanwhile; 0 to 1. */
  readonly stolen: number
}

/** What a figure depends on besides us. */
export interface Machine {
  readonly cores: number
  readonly processor: string
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
  readonly redis: string
  readonly date: string
  /** Of the last minute, when the bench began. */
  readonly load: number
}

/** This machine now. */
export function describeMachine(): Machine {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    redis:
      /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown',
    date: new Date().toISOString().slice(0, 10),
    load: loadavg()[0] ?? 0,
  }
}

/** In what circumstances a bench ran, as a sentence. */
export function conditionsOf({ bench, machine, stolen }: Section): string {
  return `${bench}: load average ${machine.load.toFixed(2)} at its start; ${(stolen * 100).toFixed(1)} % of the processors' time went to other machines of the host`
}

/** The page: figures first, then every measurement. `benches` is how many there are, so that a run that was cut off says so. */
export function renderResults(sections: readonly Section[], benches: number): string {
  const [first] = sections
  const lines = [
    '# Measured',
    '',
    'Written by `npm run bench`. What bounds each figure is in [docs/performance.md](../docs/performance.md).',
    '',
  ]
  if (sections.length < benches) lines.push(`Cut off after ${sections.length} of ${benches} benches.`, '')
  if (first) {
    const { cores, processor, memoryGb, kernel, node, redis, date } = first.machine
    lines.push(
      `${date}, ${cores} cores (${processor}), ${memoryGb} GB, Linux ${kernel}, Node ${node}, redis-server ${redis}.`,
      'Clients, servers, broker and service shared these cores. Baselines ran in the same run, in turns with ours.',
      '',
    )
  }
  lines.push(
    '| figure | ours | baseline of the same run | ours / baseline | bar | |',
    '| --- | --- | --- | --- | --- | --- |',
  )
  for (const { figures } of sections) {
    for (const { name, ours, baseline, ratio, bar, holds } of figures)
      lines.push(
        `| ${name} | ${ours} | ${baseline ?? '–'} | ${ratio ?? '–'} | ${bar} | ${holds ? 'holds' : '**missed**'} |`,
      )
  }
  lines.push('', '## Notes', '')
  for (const section of sections) {
    const { bench, figures } = section
    lines.push(`- ${conditionsOf(section)}`)
    for (const { notes = [] } of figures) lines.push(...notes.map((note) => `- ${bench}: ${note}`))
  }
  lines.push('', '## Every measurement', '')
  for (const { figures } of sections) {
    for (const { name, raw } of figures) {
      lines.push(`- ${name}`)
      for (const [what, values] of Object.entries(raw))
        lines.push(`  - ${what}: ${values.map(short).join(' ')}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function short(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4)
}
