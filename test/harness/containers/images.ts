/* Guest images of the container tests, built on an engine of the tests from the archives that scripts/bases.mjs made. */
import { execFile } from 'node:child_process'
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { pack } from 'tar-stream'
import { z } from 'zod'
import { clientOf, type EnginePlace, hostOf } from './engine.js'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..', '..')
/** What container tests keep from run to run. */
export const CONTAINERS_DIR = join(ROOT, '.tmp', 'containers')
const basesSchema = z.array(z.object({ name: z.string(), servers: z.array(z.enum(['redis', 'valkey'])) }))
/** The program of the Node that guests and the control plane run: 24, as in the images that users build. */
const NODE = process.env.REDTROVE_TEST_NODE ?? process.execPath
const NODE_IMAGE = `redtrove-node:test-${statSync(NODE).size}`

/**
 * Has an image of each datastore version that the bases hold, or of those `wanted` (as `redis=bookworm`); what did not change is in the
 * engine's cache.
 */
export async function buildGuestImages(place: EnginePlace, wanted?: readonly string[]): Promise<void> {
  const list = join(CONTAINERS_DIR, 'bases.json')
  if (!existsSync(list)) throw new Error(`${list} is missing; npm run test:containers makes it.`)
  await importNode(place)
  for (const { name, servers } of basesSchema.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    const base = `redtrove-base:${name}`
    const own = servers.filter((server) => wanted?.includes(`${server}=${name}`) ?? true)
    if (own.length === 0) continue
    await importBase(place, base, join(CONTAINERS_DIR, `${name}.tar`))
    for (const server of own) await buildFrom(place, `${server}=${base}`)
  }
}

/** Has `npm run images` build one, named as there. */
export async function buildFrom(place: EnginePlace, wanted: string): Promise<void> {
  await run(process.execPath, [join(ROOT, 'scripts', 'images.mjs'), wanted], {
    env: {
      ...process.env,
      DOCKER_HOST: hostOf(place),
      DOCKER_BUILDKIT: '0',
      REDTROVE_NODE_IMAGE: NODE_IMAGE,
    },
    timeout: 300_000,
  })
}

/** The base of PostgreSQL, RabbitMQ and the control plane. */
export async function importServices(place: EnginePlace): Promise<void> {
  await importBase(place, 'redtrove-base:services', join(CONTAINERS_DIR, 'services.tar'))
}

async function importBase(place: EnginePlace, name: string, archive: string): Promise<void> {
  if (await has(place, name)) return
  await imported(place, name, createReadStream(archive))
}

/** Stands in for the official image of Node, which only a registry has. */
async function importNode(place: EnginePlace): Promise<void> {
  if (await has(place, NODE_IMAGE)) return
  const archive = pack()
  archive.entry({ name: 'usr/local/bin/node', mode: 0o755 }, readFileSync(NODE))
  archive.finalize()
  await imported(place, NODE_IMAGE, Readable.from([await buffer(archive)]))
}

async function has(place: EnginePlace, name: string): Promise<boolean> {
  return clientOf(place)
    .getImage(name)
    .inspect()
    .then(
      () => true,
      () => false,
    )
}

async function imported(place: EnginePlace, name: string, archive: NodeJS.ReadableStream): Promise<void> {
  const [repo, tag] = name.split(':')
  const answer = await clientOf(place).importImage(archive, { repo, tag })
  await new Promise((resolve, reject) => {
    answer.once('end', resolve).once('error', reject).resume()
  })
}
