import { isIPv6 } from 'node:net'
import type { Request, RequestHandler } from 'express'
import { sendFlat } from './errors.js'

const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/

/** Refuses a Host header that is no host: its text stands in links and in WWW-Authenticate. */
export const checkHost: RequestHandler = (request, response, next) => {
  const host = request.get('host')
  if (!host || (HOST.test(host) && URL.canParse(`http://${host}`))) return next()
  sendFlat(response, 400, 'The Host header is not HOST or HOST:PORT; send the address that you connect to.')
}

/** What the client calls this service, after `checkHost`. A client that does not say gets the address at which it came in. */
export function hostOf(request: Request): string {
  const host = request.get('host')
  if (host) return host
  const { localAddress = 'localhost', localPort } = request.socket
  const address = localAddress.replace(/^::ffff:/, '')
  return `${isIPv6(address) ? `[${address}]` : address}:${localPort}`
}

/** How the client came here, or how it came to the proxy that ended its TLS and says so. It decides about the client's own links alone. */
export function schemeOf(request: Request): 'http' | 'https' {
  const told = request.get('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase()
  if (told === 'http' || told === 'https') return told
  return request.secure ? 'https' : 'http'
}
