import { execFile } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { freePort } from './free-port.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the run's own PostgreSQL, without a database name. */
    readonly postgresUrl: string
  }
}

const run = promisify(execFile)

/** A vitest global setup: one real PostgreSQL in a temporary folder, on a free port, gone at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-postgres-'))
  chmodSync(dir, 0o755)
  const data = join(dir, 'data')
  const port = await freePort()
  const server = serverTools(dir)
  await server('initdb', ['-D', data, '-A', 'trust', '-U', 'redtrove', '--no-sync'])
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${dir} -c fsync=off`
  await server('pg_ctl', ['-D', data, '-w', '-l', join(dir, 'log'), '-o', options, 'start'])
  project.provide('postgresUrl', `postgres://redtrove@127.0.0.1:${port}`)
  return async () => {
    await server('pg_ctl', ['-D', data, '-w', '-m', 'immediate', 'stop'])
    rmSync(dir, { recursive: true, force: true })
  }
}

/** PostgreSQL refuses to run as root, so root lends it the distribution's own user. */
function serverTools(dir: string): (tool: string, args: readonly string[]) => Promise<void> {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').sort() : []
  const version = versions.filter((one) => existsSync(`/usr/lib/postgresql/${one}/bin/initdb`)).at(-1)
  if (!version) throw new Error('PostgreSQL is not installed; npm test installs it where apt is there.')
  const bin = `/usr/lib/postgresql/${version}/bin`
  if (process.getuid?.() !== 0)
    return async (tool, args) => void (await run(join(bin, tool), [...args], { cwd: dir }))
  const [, , uid = '', gid = ''] =
    /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? []
  chownSync(dir, Number(uid), Number(gid))
  const as = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  // pg_ctl leaves the server with our output streams; a pipe would never close.
  return async (tool, args) =>
    void (await run('setpriv', [...as, join(bin, tool), ...args], { cwd: dir, timeout: 60_000 }))
}
