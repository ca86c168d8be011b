/*
 * A TCP proxy that makes weather: what goes through it is delayed, slowed, held back in one or both directions, torn or reset.
 * Stands in for netem, which not every kernel has, and can do per client what netem does per interface.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { pump } from './pump.js'
import { CLEAR, type Link, type Weather } from './weather.js'

export interface FaultProxy {
  readonly port: number
  /** Connections that are open now. */
  readonly links: ReadonlySet<Link>
  /** For all that is open and all that comes, or for those that `whose` picks. */
  setWeather(weather: Weather, whose?: (link: Link) => boolean): void
  close(): Promise<void>
}

interface Upstream {
  readonly host: string
  readonly port: number
  /** Own address of the onward connection, where a rule lets it pass. */
  readonly localAddress?: string
}

/** Listens on a free port of the loopback. */
export async function openFaultProxy(upstream: Upstream): Promise<FaultProxy> {
  const links = new Set<Link>()
  const rules: { weather: Weather; whose: (link: Link) => boolean }[] = []
  const weatherFor = (link: Link) => rules.findLast(({ whose }) => whose(link))?.weather ?? CLEAR

  function apply(link: Link, weather: Weather): void {
    link.weather = weather
    link.passedBytes = 0
    if (weather.kind === 'reset') reset(link)
    link.wake()
  }

  function accept(client: Socket): void {
    const server = connect({ ...upstream, noDelay: true })
    client.setNoDelay(true)
    const wakes: (() => void)[] = []
    const link: Link = {
      clientPort: client.remotePort ?? 0,
      weather: CLEAR,
      passedBytes: 0,
      client,
      server,
      wake: () => {
        for (const wake of wakes) wake()
      },
    }
    links.add(link)
    for (const socket of [client, server]) {
      socket.on('error', () => reset(link))
      socket.on('close', () => client.destroyed && server.destroyed && links.delete(link))
    }
    wakes.push(pump(link, client, server, 'to server'), pump(link, server, client, 'to client'))
    apply(link, weatherFor(link))
  }

  // Half-open is a state of its own here: the end of one direction is passed on like its bytes.
  const listener = createServer({ allowHalfOpen: true }, accept)
  const port = await listen(listener)
  return {
    port,
    links,
    setWeather: (weather, whose = () => true) => {
      if (weather.kind === 'clear') rules.length = 0
      else rules.push({ weather, whose })
      for (const link of links) apply(link, weatherFor(link))
    },
    close: async () => {
      for (const link of links) reset(link)
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}

/** Ends both sides at once, without the farewell of an orderly close. */
export function reset({ client, server }: Pick<Link, 'client' | 'server'>): void {
  client.resetAndDestroy()
  // Before it is connected there is nothing to reset.
  if (server.connecting) server.destroy()
  else server.resetAndDestroy()
}

function listen(listener: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(0, '127.0.0.1', () => {
      const address = listener.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}
