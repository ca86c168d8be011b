/*
 * Base images of the container tests, as archives of a root file system: Debian's releases with the servers that each of them has. Made
 * here because a test must not need a registry.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quietly, retried, root } from './machine.mjs'

const MIRROR = process.env.REDTROVE_DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'
const LIBRARY = 'libstdc++6'

/** What is built from which release of Debian, and what of it comes from the release's backports. */
const BASES = [
  { name: 'bullseye', suite: 'bullseye', servers: ['redis'] },
  {
    name: 'bookworm-backports',
    suite: 'bookworm',
    servers: ['redis', 'valkey'],
    backports: ['valkey-server'],
  },
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

async function makeBase({ name, suite, servers, packages = [], backports = [] }, archive) {
  const dir = join(CONTAINERS_DIR, name)
  const unfinished = `${archive}.part`
  await cleared(dir)
  try {
    const wanted = [...servers.map((server) => `${server}-server`), ...packages, LIBRARY]
    const include = wanted.filter((one) => !backports.includes(one)).join(',')
    await quietly('debootstrap', ['--variant=minbase', `--include=${include}`, suite, dir, MIRROR])
    if (backports.length > 0) await addBackports(dir, `${suite}-backports`, backports)
    // What was downloaded is no part of an image.
    await quietly('chroot', [dir, 'apt-get', 'clean'])
    rmSync(join(dir, 'var', 'lib', 'apt', 'lists'), { recursive: true })
    await quietly('tar', ['-C', dir, '-cf', unfinished, '.'])
    renameSync(unfinished, archive)
  } finally {
    await cleared(dir)
  }
}

/** A debootstrap that was killed leaves /proc mounted in its folder, and what is mounted must not be emptied with it. */
async function cleared(dir) {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
  for (const point of points.filter((one) => one.startsWith(`${dir}/`)).reverse())
    await quietly('umount', ['--lazy', point], { whole: true })
  rmSync(dir, { recursive: true, force: true })
}

/** debootstrap itself takes the whole system from a second suite as soon as it has one, and cannot install that. */
async function addBackports(dir, suite, packages) {
  const inside = (...command) => quietly('chroot', [dir, ...command])
  // Nothing is started: the root is another one, the machine is this one.
  const policy = join(dir, 'usr', 'sbin', 'policy-rc.d')
  writeFileSync(policy, '#!/bin/sh\nexit 101\n')
  chmodSync(policy, 0o755)
  writeFileSync(join(dir, 'etc', 'apt', 'sources.list.d', 'backports.list'), `deb ${MIRROR} ${suite} main\n`)
  await inside('apt-get', 'update')
  await inside('apt-get', 'install', '-y', '--no-install-recommends', '-t', suite, ...packages)
  rmSync(policy)
}
