import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { dirname } from 'node:path'
import express, { type ErrorRequestHandler, type Express, type Request } from 'express'
import { z } from 'zod'
import { isKind, messageOf, RedtroveError } from '../common/errors.js'
import { requireOwnSocketFolder } from '../common/files/far-folder.js'
import type { Logger } from '../common/log.js'
import type { Order } from '../domain/fencing/token.js'
import { atRest } from '../wire/agent/password-hash.js'
import { type GuestSpec, guestSpecSchema, ORDER_HEADER, orderSchema } from '../wire/host/guest.js'
import type { Host } from './host.js'

const idSchema = z.uuid()

/**
 * Serves the host part on its unix socket, for this user alone. The returned function stops it. Fails with `unavailable` when the socket's
 * folder is somebody else's.
 */
export async function serveHost(host: Host, socket: string, log: Logger): Promise<() => Promise<void>> {
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 })
  requireOwnSocketFolder(socket, 'unavailable')
  // Only one supervisor of a state directory runs, so what lies here is a dead one's.
  rmSync(socket, { force: true })
  const server = createServer(hostApp(host, log))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  chmodSync(socket, 0o600)
  return () => close(server)
}

function hostApp(host: Host, log: Logger): Express {
  const app = express()
  app.use(express.json({ limit: '1mb' }))
  app.get('/datastores', async (_request, response) => {
    response.json({ versions: await host.offers() })
  })
  app.get('/guests/:id', async (request, response) => {
    response.json(await host.inspect(idOf(request.params.id)))
  })
  app.get('/leaving', async (_request, response) => {
    response.json({ leaving: await host.leaving() })
  })
  app.put('/guests/:id/place', async (request, response) => {
    response.json(await host.move(specOf(request), orderOf(request)))
  })
  app.put('/guests/:id', async (request, response) => {
    response.json(await host.ensure(specOf(request), orderOf(request)))
  })
  app.post('/guests/:id/fence', async (request, response) => {
    response.json(await host.fence(idOf(request.params.id), orderOf(request)))
  })
  app.delete('/guests/:id', async (request, response) => {
    response.json(await host.remove(idOf(request.params.id), orderOf(request)))
  })
  app.use(failureWriter(log))
  return app
}

function specOf(request: Request<{ id: string }>): GuestSpec {
  const spec = guestSpecSchema.parse(request.body)
  if (spec.instanceId === idOf(request.params.id)) return kept(spec)
  throw new RedtroveError('bad_request', 'The ids of address and body differ.')
}

/** Records and seeds are files that outlive every change of a password: none is readable in them where the server needs none. */
function kept(spec: GuestSpec): GuestSpec {
  const { assignment, datastore } = spec
  const hasAccounts = datastore.name === 'valkey' || Number.parseInt(datastore.version, 10) >= 6
  if (!hasAccounts) return spec
  return { ...spec, assignment: { ...assignment, credentials: atRest(assignment.credentials) } }
}

/** An id becomes part of a path, so nothing but a UUID passes. */
function idOf(text: string | undefined): string {
  const parsed = idSchema.safeParse(text)
  if (!parsed.success) throw new RedtroveError('bad_request', 'The guest id is not a UUID.')
  return parsed.data
}

/** Null for a person's call. */
function orderOf(request: Request): Order | null {
  const header = request.get(ORDER_HEADER)
  return header === undefined ? null : orderSchema.parse(header)
}

function failureWriter(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const status = statusOf(error)
    log.error({ reason: messageOf(error) }, 'host call failed')
    response.status(status).json({ message: messageOf(error) })
  }
}

function statusOf(error: unknown): number {
  if (isKind(error, 'stale_epoch')) return 409
  return isKind(error, 'bad_request') || error instanceof z.ZodError ? 400 : 500
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}
