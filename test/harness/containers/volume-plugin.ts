/*
 * A volume driver whose volumes have a size, as a storage system's would: each is a tmpfs. What it calls a gigabyte is small, so that
 * a test can fill it. Speaks Docker's volume plugin protocol on a socket where the engine looks for it.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { z } from 'zod'

/** As REDTROVE_DOCKER_VOLUME_DRIVER names it. */
export const SIZED_DRIVER = 'sized'
/** Of a volume that was asked for with `size=1`. */
export const UNIT_MB = 48

const run = promisify(execFile)
/** Where every engine looks; a file system of our own is put over it, which ends with our namespace. */
const PLUGINS_DIR = '/run/docker/plugins'
/** Where it listens. */
export const PLUGIN_SOCKET = join(PLUGINS_DIR, `${SIZED_DRIVER}.sock`)
const askedSchema = z.object({
  Name: z.string().default(''),
  Opts: z.record(z.string(), z.string()).nullish(),
})
type Asked = z.output<typeof askedSchema>

/** Starts it; the returned function ends it and removes its volumes. */
export async function startVolumePlugin(): Promise<() => Promise<void>> {
  mkdirSync(PLUGINS_DIR, { recursive: true })
  await run('mount', ['-t', 'tmpfs', 'plugins', PLUGINS_DIR])
  const base = mkdtempSync(join(tmpdir(), 'rt-volumes-'))
  const volumes = new Map<string, string>()
  const server = createServer((request, response) => {
    const answer = json(request)
      .catch(() => ({}))
      .then((body) => answerTo(request.url ?? '', askedSchema.parse(body ?? {}), base, volumes))
      .catch((error: unknown) => ({ Err: String(error) }))
    void answer.then((body) => response.end(JSON.stringify(body)))
  })
  await new Promise<void>((resolve) => server.listen(PLUGIN_SOCKET, resolve))
  return async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    for (const name of volumes.keys()) await run('umount', ['--lazy', join(base, name)])
    rmSync(base, { recursive: true })
    await run('umount', ['--lazy', PLUGINS_DIR])
  }
}

async function answerTo(path: string, asked: Asked, base: string, volumes: Map<string, string>) {
  const { Name: name } = asked
  const place = join(base, name)
  const shown = (one: string) => ({ Name: one, Mountpoint: volumes.get(one) })
  switch (path) {
    case '/Plugin.Activate':
      return { Implements: ['VolumeDriver'] }
    case '/VolumeDriver.Capabilities':
      return { Capabilities: { Scope: 'local' } }
    case '/VolumeDriver.Create':
      volumes.set(name, await makeVolume(place, UNIT_MB * Number(asked.Opts?.size)))
      return {}
    case '/VolumeDriver.Remove':
      await run('umount', ['--lazy', place])
      rmSync(place, { recursive: true })
      volumes.delete(name)
      return {}
    case '/VolumeDriver.List':
      return { Volumes: [...volumes.keys()].map(shown) }
    case '/VolumeDriver.Get':
      return volumes.has(name) ? { Volume: shown(name) } : { Err: `no volume ${name}` }
    case '/VolumeDriver.Mount':
    case '/VolumeDriver.Path':
      return volumes.has(name) ? { Mountpoint: volumes.get(name) } : { Err: `no volume ${name}` }
    default:
      return {}
  }
}

/** A folder in a file system of its own: the folder can be taken away from under its container. */
async function makeVolume(place: string, sizeMb: number): Promise<string> {
  if (!(sizeMb > 0)) throw new Error('a volume needs size=NUMBER')
  mkdirSync(place)
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'volume', place])
  const folder = join(place, 'volume')
  mkdirSync(folder)
  return folder
}
