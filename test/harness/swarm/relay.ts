/*
 * Reaches instances whose names only their overlay network knows: a container that is attached to it passes bytes on from a socket here,
 * as an application's container would send them itself.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { waitUntil } from '../../../common/wait-until.js'
import type { Endpoint } from '../../../domain/instance/endpoint.js'

/** In the container: a first line says where to, all after it is passed on. */
const PASS_ON = `
const { createServer, connect } = require('net')
createServer((from) => {
  let line = ''
  const first = (chunk) => {
    line += chunk.toString('latin1')
    const end = line.indexOf('\\n')
    if (end < 0) return
    from.off('data', first)
    from.pause()
    const [host, port] = line.slice(0, end).split(' ')
    const to = connect({ host, port: Number(port) })
    to.write(Buffer.from(line.slice(end + 1), 'latin1'))
    const cut = () => { from.destroy(); to.destroy() }
    for (const side of [from, to]) side.on('error', cut).on('close', cut)
    from.pipe(to).pipe(from)
    from.resume()
  }
  from.on('data', first)
}).listen('/relay/socket')`

/** Opens addresses here for addresses there. */
export interface Relay {
  /** One of our loopback addresses, the same for the same endpoint. */
  reach(endpoint: Endpoint): Promise<Endpoint>
  close(): Promise<void>
}

/** Starts the container on one engine, in the named network, and waits until it passes on. */
export async function openRelay(docker: Docker, network: string, image: string): Promise<Relay> {
  const dir = mkdtempSync(join(tmpdir(), 'rt-relay-'))
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: ['node', '-e', PASS_ON],
    Cmd: [],
    User: '0:0',
    HostConfig: {
      Binds: [`${dir}:/relay`],
      NetworkMode: network,
      DnsOptions: ['ndots:1', 'timeout:1'],
      DnsSearch: ['.'],
    },
  })
  await container.start()
  const socket = join(dir, 'socket')
  await waitUntil(
    'the relay listens',
    () => opens(socket),
    (open) => open,
    { timeoutMs: 20_000 },
  )
  const servers = new Map<string, Promise<{ server: Server; endpoint: Endpoint }>>()
  return {
    reach: async (endpoint) => {
      const known = servers.get(endpoint.host) ?? listenFor(endpoint, servers.size + 1, socket)
      servers.set(endpoint.host, known)
      return (await known).endpoint
    },
    close: async () => {
      for (const { server } of await Promise.all(servers.values())) server.close()
      await container.remove({ force: true })
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function opens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket)
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false))
    probe.once('connect', () => probe.destroy())
  })
}

async function listenFor(
  there: Endpoint,
  n: number,
  socket: string,
): Promise<{ server: Server; endpoint: Endpoint }> {
  const endpoint = { host: `127.77.0.${n}`, port: there.port }
  const server = createServer((from) => {
    const to = connect(socket)
    to.write(`${there.host} ${there.port}\n`)
    const cut = () => {
      from.destroy()
      to.destroy()
    }
    for (const side of [from, to]) side.on('error', cut).on('close', cut)
    from.pipe(to).pipe(from)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(endpoint.port, endpoint.host, () => resolve())
  })
  return { server, endpoint }
}
