/* A script of the kind that npm runs: it starts a program and answers with its code. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { orExplain, run, said } from '../../../scripts/machine.mjs'

const child = join(import.meta.dirname, 'slow-child.mjs')
const [how] = process.argv.slice(2)
await orExplain(async () => {
  if (how === 'prepares') {
    const preparing = said('sleep', ['60'])
    process.stdout.write(`child ${readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim()}\n`)
    await preparing
  }
  if (how === 'asks') process.stdout.write(`${await said('env', [])}\nchild ${process.pid}\n`)
  return run(process.execPath, [child], { channel: how === 'channel' })
})
