#!/usr/bin/env node
/* The one program. Each process loads only the part that it runs. */
import { fileURLToPath } from 'node:url'
import { isKind, messageOf } from '../common/errors.js'

const EXIT_BAD_SETTING = 78
/** What a part leaves open after it returned is of no use to anybody. */
const LINGER_MS = 2_000

const script = fileURLToPath(import.meta.url)

const PARTS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  all: async () => (await import('../supervisor/main.js')).main({ script }),
  api: async () => (await import('../api/main.js')).main(),
  taskmanager: async () => (await import('../taskmanager/main.js')).main(),
  host: async () => (await import('../host/main.js')).main({ script }),
  guestagent: async ([flag, seedFile]) => {
    if (flag !== '--seed' || !seedFile) throw new Error('Usage: redtrove serve guestagent --seed FILE')
    await (await import('../guestagent/main.js')).main({ seedFile })
  },
}

async function run(args: readonly string[]): Promise<number> {
  const [command, name = 'all', ...rest] = args
  if (command === 'demo')
    return (await import('../demo/main.js')).main(args.slice(1), { script, env: process.env })
  if (command !== 'serve') return (await import('../cli/main.js')).run([...args])
  const part = PARTS[name]
  if (!part) {
    process.stderr.write(
      `redtrove: there is no part ${name}; serve one of ${Object.keys(PARTS).join(', ')}\n`,
    )
    return 2
  }
  await part(rest)
  return 0
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.send?.({ failed: messageOf(error) })
  process.stderr.write(
    `redtrove: ${isKind(error) ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  )
  process.exitCode = isKind(error, 'bad_setting') ? EXIT_BAD_SETTING : 1
}
if (process.connected) process.disconnect()
setTimeout(() => process.exit(), LINGER_MS).unref()
