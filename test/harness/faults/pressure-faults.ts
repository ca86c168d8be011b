/* Row 22: memory, clients and buffers that run over. */
import { writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { type Fault, sourceOf } from './fault.js'
import { UNTOUCHED } from './namespace.js'

const SLOW_CLIENTS = 1_000
const BIG_WRITES = 400
const BIG_BYTES = 50_000
const BIG_VALUES = 60

export const PRESSURE_FAULTS: readonly Fault[] = [
  {
    name: 'a redis-server chosen by the kernel when memory runs out',
    row: 22,
    inject: async (scene) => {
      const { server } = scene.set.pids(await sourceOf(scene))
      // What the kernel sends to its victim, without the machine having to run out of memory first.
      writeFileSync(`/proc/${server}/oom_score_adj`, '1000')
      process.kill(server, 'SIGKILL')
      return { what: `killed ${server} as the kernel does`, heal: async () => undefined }
    },
  },
  {
    name: 'a thousand slow clients',
    row: 22,
    inject: async (scene) => {
      const { host, port } = scene.set.member(await sourceOf(scene)).endpoint
      const sockets: Socket[] = []
      for (let n = 0; n < SLOW_CLIENTS; n += 1) {
        const socket = connect({ host, port, localAddress: UNTOUCHED })
        socket.on('error', () => undefined)
        socket.on('connect', () => {
          // Half a command, and never the rest; and nobody reads what comes back.
          socket.pause()
          socket.write('*3\r\n$3\r\nSET\r\n$1')
        })
        sockets.push(socket)
      }
      return {
        what: `${SLOW_CLIENTS} clients that never finish their command`,
        heal: async () => {
          for (const socket of sockets) socket.destroy()
        },
      }
    },
  },
  {
    name: "a replica's output buffer overflown",
    row: 22,
    inject: async (scene) => {
      const { stage, set } = scene
      const source = await sourceOf(scene)
      const proxy = await stage.toMember(set.member(source).endpoint.host)
      proxy.setWeather({ kind: 'one-way', lost: 'to client' })
      const value = 'x'.repeat(BIG_BYTES)
      let written = 0
      const limit = ['config', 'set', 'client-output-buffer-limit', 'replica 4mb 4mb 1']
      const overflow = async () => {
        await stage.stack.asAgent(source, limit)
        await set.ask(source, async (redis) => {
          for (; written < BIG_WRITES; written += 1) await redis.set(`${set.name}:big:${written % 20}`, value)
        })
      }
      // The operation may be faster: whoever was the source is fenced or takes no writes any more.
      const ended = await overflow().then(() => '', String)
      return {
        what: `${(written * BIG_BYTES) / 1e6} MB towards replicas that receive nothing ${ended}`,
        heal: async () => {
          proxy.setWeather({ kind: 'clear' })
          const usual = ['config', 'set', 'client-output-buffer-limit', 'replica 256mb 64mb 60']
          await stage.stack.asAgent(source, usual).catch(() => undefined)
        },
      }
    },
  },
  {
    // Whoever is created meanwhile copies its three megabytes at that pace.
    name: 'replication at one megabyte a second',
    row: 16,
    inject: async (scene) => {
      const { stage, set } = scene
      const source = await sourceOf(scene)
      const value = 'x'.repeat(BIG_BYTES)
      let written = 0
      // The operation is under way: it may take the role, or the server, from the source in the middle.
      await set
        .ask(source, async (redis) => {
          for (; written < BIG_VALUES; written += 1) await redis.set(`${set.name}:large:${written}`, value)
        })
        .catch(() => undefined)
      const proxy = await stage.toMember(set.member(source).endpoint.host)
      proxy.setWeather({ kind: 'slow', bytesPerSecond: 1_000_000 })
      return {
        what: `replication at 1 MB/s, ${written} large values on the source`,
        heal: async () => proxy.setWeather({ kind: 'clear' }),
      }
    },
  },
]
