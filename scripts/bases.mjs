/*
 * Base images of the container tests, as archives of a root file system: Debian's releases with the servers that each of them has. Made
 * here because a test must not need a registry.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quietly, retried, root } from './machine.mjs'

const MIRROR = process.env.REDTROVE_DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'
const LIBRARY = 'libstdc++6'

/** What is built from which release of Debian. */
const BASES = [
  { name: 'bullseye', suite: 'bullseye', servers: ['redis'] },
  { name: 'bookworm', suite: 'bookworm', servers: ['redis'] },
  { name: 'trixie', suite: 'trixie', servers: ['redis', 'valkey'] },
  // What the control plane needs beside itself.
  {
    name: 'services',
    suite: 'bookworm',
    servers: [],
    packages: ['postgresql', 'rabbitmq-server', 'openssl'],
  },
]

/** The folder of everything that container tests keep from run to run. */
const CONTAINERS_DIR = join(root, '.tmp', 'containers')

/** Makes the archives that are missing, about a minute each, and bases.json, which says what they are. */
export async function makeBases() {
  mkdirSync(CONTAINERS_DIR, { recursive: true })
  for (const base of BASES) {
    const archive = join(CONTAINERS_DIR, `${base.name}.tar`)
    if (!existsSync(archive))
      await retried(`a root file system of ${base.name}`, () => makeBase(base, archive))
  }
  writeFileSync(join(CONTAINERS_DIR, 'bases.json'), JSON.stringify(BASES))
}

async function makeBase({ name, suite, servers, packages = [] }, archive) {
  const dir = join(CONTAINERS_DIR, name)
  const unfinished = `${archive}.part`
  rmSync(dir, { recursive: true, force: true })
  try {
    const include = [...servers.map((server) => `${server}-server`), ...packages, LIBRARY].join(',')
    await quietly('debootstrap', ['--variant=minbase', `--include=${include}`, suite, dir, MIRROR])
    await quietly('tar', ['-C', dir, '-cf', unfinished, '.'])
    renameSync(unfinished, archive)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
