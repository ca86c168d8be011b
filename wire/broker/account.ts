import { z } from 'zod'

/** A guest's own account of the broker. */
export const brokerAccountSchema = z.object({ user: z.string().min(1), password: z.string().min(1) })
export type BrokerAccount = z.output<typeof brokerAccountSchema>

/** The broker's address with another account; as it is when that is null. */
export function withAccount(amqpUrl: string, account: BrokerAccount | null): string {
  if (account === null) return amqpUrl
  const url = new URL(amqpUrl)
  url.username = encodeURIComponent(account.user)
  url.password = encodeURIComponent(account.password)
  return url.href
}

/** The broker's address alone, which is no secret. */
export function withoutAccount(amqpUrl: string): string {
  const url = new URL(amqpUrl)
  url.username = ''
  url.password = ''
  return url.href
}
