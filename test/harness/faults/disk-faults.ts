/* Rows 13 to 15: a member's disk is full, or its data is gone. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { waitUntil } from '../../../common/wait-until.js'
import { type Fault, type Injected, nothingToHeal, replicaOf, type Scene, signal, sourceOf } from './fault.js'

const run = promisify(execFile)
const DISK_MB = 48

export const DISK_FAULTS: readonly Fault[] = [
  {
    name: "the source's disk full",
    row: 13,
    inject: async (scene) => fillDisk(scene, await sourceOf(scene)),
  },
  {
    name: "a replica's disk full",
    row: 14,
    inject: async (scene) => fillDisk(scene, await replicaOf(scene)),
  },
  {
    name: "the source's data wiped and its redis-server killed",
    row: 15,
    inject: async (scene) => {
      const id = await sourceOf(scene)
      const folder = dataFolder(scene, id)
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true })
      signal([scene.set.pids(id).server], 'SIGKILL')
      return { what: `data of ${id} wiped`, heal: nothingToHeal }
    },
  },
]

/** Moves the data onto a small file system of its own, as a volume is one, and fills what is left of it. */
async function fillDisk(scene: Scene, id: string): Promise<Injected> {
  const folder = dataFolder(scene, id)
  await moveToSmallDisk(scene, id, folder)
  const filler = join(folder, 'filler')
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - 16_384)))
  return {
    what: `disk of ${id} full`,
    heal: async () => rmSync(filler, { force: true }),
  }
}

/** With agent and server standing still, so that nobody writes in between; the server comes back on the new place by its agent. */
async function moveToSmallDisk(scene: Scene, id: string, folder: string): Promise<void> {
  const { client } = scene.stage.stack
  const { agent, server } = scene.set.pids(id)
  signal([agent], 'SIGSTOP')
  signal([server], 'SIGKILL')
  await waitUntil(
    'the server is gone',
    // A dead process that nobody has waited for has no working folder any more.
    () => existsSync(`/proc/${server}/cwd`),
    (there) => !there,
    { timeoutMs: 5_000 },
  )
  const aside = mkdtempSync(join(tmpdir(), 'redtrove-aside-'))
  cpSync(folder, aside, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m,mode=700`, 'tmpfs', folder])
  cpSync(aside, folder, { recursive: true })
  rmSync(aside, { recursive: true })
  signal([agent], 'SIGCONT')
  await waitUntil(
    'the server runs on the small disk, or is ejected and does not run',
    async () => ({
      said: await scene.set.ask(id, (redis) => redis.ping()).catch(String),
      role: await client.show(id).then(({ replication }) => replication?.role, String),
    }),
    ({ said, role }) => said === 'PONG' || role === 'ejected',
    { timeoutMs: 20_000 },
  )
}

function dataFolder({ stage }: Scene, id: string): string {
  return join(stage.stack.stateDir, 'guests', id, 'data')
}

/** Small disks hold their mount points; they go before the folders can. */
export async function unmountAll(stateDir: string): Promise<void> {
  const { stdout } = await run('mount')
  for (const line of stdout.split('\n')) {
    const at = / on (\S+) type tmpfs/.exec(line)?.[1]
    if (at?.startsWith(stateDir)) await run('umount', ['-l', at])
  }
}
