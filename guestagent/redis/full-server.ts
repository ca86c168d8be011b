import { connect } from 'node:net'

const WAIT_MS_MAX = 200

/** Whether the server at this unix socket turns away whoever comes because it has all the connections that it takes. */
export function isFull(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket)
    let said = ''
    const end = () => {
      probe.destroy()
      resolve(/max number of clients/i.test(said))
    }
    // A server with room says nothing before it is asked.
    probe.setTimeout(WAIT_MS_MAX, end)
    probe.on('data', (bytes) => {
      said += bytes.toString('latin1')
      end()
    })
    probe.on('error', end)
    probe.on('close', end)
  })
}
