/* One real PostgreSQL of a test's own: in a temporary folder, on a free port of 127.0.0.1, stopped by its own pid file. */
import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect, type Database } from '../../store/connect.js'
import type { TestIdentity } from './certificates.js'
import { freePort } from './free-port.js'

const run = promisify(execFile)

export interface Postgres {
  /** Without a database name. */
  readonly url: string
  /** Everything it writes. */
  readonly dataDir: string
  /** A connection to the server's own database for one act, closed afterwards. */
  admin<T>(act: (db: Database) => Promise<T>): Promise<T>
  /** What its log says. */
  log(): string
  /** The postmaster and all that it started; empty when it does not run. */
  pids(): readonly number[]
  /** Starts it on its folder, as after a crash; resolves when it takes connections. */
  start(): Promise<void>
  /** Kills it and removes its folder. */
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** Whether commits reach the disk; false where only the answers are of interest. */
  readonly durable: boolean
  /** Its certificate: with one it offers TLS, and to whoever comes over TCP nothing else. */
  readonly identity?: TestIdentity
  /** Called with the empty data folder before anything is written, e.g. to mount something there. */
  readonly prepare?: (dataDir: string) => Promise<void>
  /** Undoes that, when the server has ended and before the folder is removed. */
  readonly release?: (dataDir: string) => Promise<void>
}

/** Makes and starts one. */
export async function startPostgres(settings: PostgresOptions): Promise<Postgres> {
  const { durable, prepare, release, identity } = settings
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-postgres-'))
  chmodSync(dir, 0o755)
  const dataDir = join(dir, 'data')
  mkdirSync(dataDir)
  await prepare?.(dataDir)
  const port = await freePort()
  const { tool, own } = serverTools(dir)
  own(dir)
  own(dataDir)
  const sync = durable ? [] : ['--no-sync']
  await tool('initdb', ['-D', dataDir, '-A', 'trust', '-U', 'redtrove', '--wal-segsize=1', ...sync])
  const tls = identity ? speakTls(dir, dataDir, identity, own) : ''
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${dir} -c fsync=${durable ? 'on' : 'off'}${tls}`
  const start = () => tool('pg_ctl', ['-D', dataDir, '-w', '-l', join(dir, 'log'), '-o', options, 'start'])
  await start()
  const url = `postgres://redtrove@127.0.0.1:${port}`
  return {
    url,
    admin: async (act) => {
      const db = connect(`${url}/postgres`)
      return act(db).finally(() => db.destroy())
    },
    dataDir,
    log: () => readFileSync(join(dir, 'log'), 'utf8'),
    pids: () => family(postmasterOf(dataDir)),
    start,
    stop: async () => {
      if (postmasterOf(dataDir) > 0) await tool('pg_ctl', ['-D', dataDir, '-w', '-m', 'immediate', 'stop'])
      await release?.(dataDir)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Its own copy of the certificate and key, which has to be its own, and the options that name them. */
function speakTls(
  dir: string,
  dataDir: string,
  { cert, key }: TestIdentity,
  own: (file: string) => void,
): string {
  const [ownCert, ownKey] = [join(dir, 'server.pem'), join(dir, 'server.key')]
  copyFileSync(cert, ownCert)
  copyFileSync(key, ownKey)
  chmodSync(ownKey, 0o600)
  for (const file of [ownCert, ownKey]) own(file)
  writeFileSync(join(dataDir, 'pg_hba.conf'), 'local all all trust\nhostssl all all all trust\n')
  return ` -c ssl=on -c ssl_cert_file=${ownCert} -c ssl_key_file=${ownKey}`
}

function postmasterOf(dataDir: string): number {
  const file = join(dataDir, 'postmaster.pid')
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0
  return existsSync(`/proc/${pid}/stat`) ? pid : 0
}

function family(pid: number): readonly number[] {
  if (pid === 0) return []
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return [pid, ...children.map(Number)]
}

interface ServerTools {
  tool(name: string, args: readonly string[]): Promise<void>
  /** Gives a folder to the user that the server runs as. */
  own(folder: string): void
}

/** PostgreSQL refuses to run as root, so root lends it the distribution's own user. */
function serverTools(dir: string): ServerTools {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').sort() : []
  const version = versions.filter((one) => existsSync(`/usr/lib/postgresql/${one}/bin/initdb`)).at(-1)
  if (!version) throw new Error('PostgreSQL is not installed; npm test installs it where apt is there.')
  const bin = `/usr/lib/postgresql/${version}/bin`
  if (process.getuid?.() !== 0)
    return {
      tool: async (name, args) => void (await run(join(bin, name), [...args], { cwd: dir })),
      own: () => undefined,
    }
  const [, , uid = '', gid = ''] =
    /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? []
  const as = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  return {
    // pg_ctl leaves the server with our output streams; a pipe would never close.
    tool: async (name, args) =>
      void (await run('setpriv', [...as, join(bin, name), ...args], { cwd: dir, timeout: 60_000 })),
    own: (folder) => chownSync(folder, Number(uid), Number(gid)),
  }
}
