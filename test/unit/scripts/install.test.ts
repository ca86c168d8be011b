/* What an install of this project tells others: nothing. A package of ours reports installs to its maker unless the root package forbids that. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const REPORTER = join(ROOT, 'node_modules', '@scarf', 'scarf', 'report.js')
const folder = mkdtempSync(join(tmpdir(), 'redtrove-install-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the reporter as npm does after an install, with its maker's server here; answers with what that was told. */
async function reportsOf(rootPackage: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const told: string[] = []
  const server = createServer((request, response) => {
    told.push(request.url ?? '')
    response.end()
  })
  await once(server.listen(0, 'localhost'), 'listening')
  // It asks `npm ls` for the tree and gives that three seconds, which a busy machine does not keep to: the same answer, at once.
  const scarf = { name: '@scarf/scarf', version: '1.0.0' }
  const tree = {
    ...rootPackage,
    dependencies: {
      'swagger-ui-dist': { name: 'swagger-ui-dist', version: '5.0.0', dependencies: { [scarf.name]: scarf } },
    },
  }
  writeFileSync(join(folder, 'tree.json'), JSON.stringify(tree))
  writeFileSync(join(folder, 'package.json'), JSON.stringify(rootPackage))
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\ncat '${folder}/tree.json'\n`, { mode: 0o755 })
  const { port } = server.address() as AddressInfo // A TCP server's address is an object.
  const env = {
    PATH: `${folder}:${process.env.PATH}`,
    INIT_CWD: folder,
    TMPDIR: folder,
    SCARF_LOCAL_PORT: `${port}`,
  }
  await promisify(execFile)(process.execPath, [REPORTER], { env }).catch(() => undefined)
  server.close()
  return told
}

it('reports nothing', async () => {
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(await reportsOf({ ...own, scarfSettings: undefined })).toEqual(['/package-event/install'])
  expect(await reportsOf(own)).toEqual([])
})
