import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import express, { type Router } from 'express'
import type { Specification } from './specification.js'

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Redtrove API</title><link rel="stylesheet" href="/docs/assets/swagger-ui.css"></head>
<body><div id="page"></div><script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/page.js"></script></body>
</html>
`
const SCRIPT = "window.ui = SwaggerUIBundle({ url: '/openapi.yaml', dom_id: '#page', deepLinking: true })\n"

/** The API described to people at /docs and to programs at /openapi.yaml; nothing is loaded from elsewhere. */
export function docsRouter(specification: Specification): Router {
  const router = express.Router()
  const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  router.get('/openapi.yaml', (_request, response) => {
    response.type('application/yaml').send(specification.text)
  })
  router.get('/docs', (_request, response) => {
    response.set(
      'content-security-policy',
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    )
    response.type('html').send(PAGE)
  })
  router.get('/docs/page.js', (_request, response) => {
    response.type('text/javascript').send(SCRIPT)
  })
  // These two and no more: the package's own pages load other people's descriptions.
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
    router.get(`/docs/assets/${file}`, (_request, response) => response.sendFile(join(assets, file)))
  }
  return router
}
