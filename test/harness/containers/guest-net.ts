/* The network of one container, seen from this machine: rules that drop what it sends or gets, and a cable that is pulled. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type Docker from 'dockerode'

const run = promisify(execFile)

/** Which packets of a guest are lost. */
export interface Cut {
  readonly direction: 'in' | 'out'
  /** The other side's address. */
  readonly peer?: string
  /** Port of the side that is called. */
  readonly port?: number
}

/** Drops packets in the guest's own network; the way to let them through again, which may find the guest gone. */
export async function cut(container: Docker.Container, cuts: readonly Cut[]): Promise<() => Promise<void>> {
  const { State: state } = await container.inspect()
  const inside = (args: readonly string[]) =>
    run('nsenter', [`--net=/proc/${state.Pid}/ns/net`, 'iptables', '-w', ...args])
  const rules = cuts.flatMap(rulesOf)
  for (const rule of rules) await inside(['-A', ...rule])
  return async () => {
    for (const rule of rules) await inside(['-D', ...rule]).catch(() => undefined)
  }
}

/** A port may be on either side of a connection that stands already. */
function rulesOf({ direction, peer, port }: Cut): readonly (readonly string[])[] {
  const chain = direction === 'in' ? 'INPUT' : 'OUTPUT'
  const address = peer === undefined ? [] : [direction === 'in' ? '-s' : '-d', peer]
  if (port === undefined) return [[chain, ...address, '-j', 'DROP']]
  return ['--dport', '--sport'].map((side) => [
    chain,
    ...address,
    '-p',
    'tcp',
    side,
    String(port),
    '-j',
    'DROP',
  ])
}

/** Takes the guest out of its network; the way to put it back with its address, which may find it gone. */
export async function disconnect(docker: Docker, container: Docker.Container): Promise<() => Promise<void>> {
  const { Id: id, NetworkSettings: settings } = await container.inspect()
  const [name = '', { IPAddress: address } = { IPAddress: '' }] = Object.entries(settings.Networks)[0] ?? []
  const network = docker.getNetwork(name)
  await network.disconnect({ Container: id, Force: true })
  return async () => {
    const EndpointConfig = { IPAMConfig: { IPv4Address: address } }
    await network.connect({ Container: id, EndpointConfig }).catch(() => undefined)
  }
}
