import { orExplain, prepare, program, run } from './machine.mjs'

await orExplain(async () => {
  await prepare('service')
  return run(process.execPath, [program, 'serve', 'all'], { channel: true })
})
