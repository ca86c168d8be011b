/* A program that takes a moment to close what it has, for lifecycle.test.ts. */
import { setTimeout } from 'node:timers/promises'
import { untilStopped } from '../../../common/lifecycle.js'

const stop = untilStopped()
const alive = setInterval(() => undefined, 60_000)
process.stdout.write('ready\n')
await stop.requested
await setTimeout(300)
process.stdout.write('closed\n')
clearInterval(alive)
if (process.connected) process.disconnect()
