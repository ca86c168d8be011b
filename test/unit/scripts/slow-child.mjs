/* Counts the signals that it hears and takes a moment to end after the first. */
let heard = 0
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
  process.on(signal, () => {
    heard += 1
    if (heard === 1) setTimeout(() => process.exit(7), 300)
  })
if (process.channel) process.once('disconnect', () => process.exit(7))
setInterval(() => undefined, 60_000)
process.stdout.write(`child ${process.pid}\n`)
