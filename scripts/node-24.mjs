/* Node 24 beside the Node that runs this: guests' images and a part of the tests use it. npm has it as a package, so no other registry is needed. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { quietly, retried, root } from './machine.mjs'

const NAME = `node-linux-${process.arch}`

/** The file of its program; fetched at the first call on a machine. */
export async function node24() {
  const dir = join(root, '.tmp', 'node-24')
  const file = join(dir, 'node_modules', NAME, 'bin', 'node')
  if (existsSync(file)) return file
  const flags = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  await retried('fetching Node 24', () =>
    quietly('npm', ['install', '--prefix', dir, ...flags, `${NAME}@24`], { cwd: root }),
  )
  return file
}
