import { connect } from 'amqplib'

/** Opens and closes one connection. Rejects with the broker's or the system's own error when it does not accept these credentials. */
export async function probeBroker(url: string, timeoutMs = 2_000): Promise<void> {
  const connection = await connect(url, { noDelay: true, timeout: timeoutMs })
  // A fault after the handshake is the caller's next attempt; without a listener it would end the process.
  connection.on('error', () => {})
  await connection.close()
}
