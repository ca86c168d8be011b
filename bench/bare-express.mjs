/* What Express alone costs: a constant JSON body of the size that is asked for, to every request. */
import express from 'express'

const body = { filler: 'x'.repeat(Math.max(0, Number(process.argv[2]) - '{"filler":""}'.length)) }
const app = express()
app.disable('x-powered-by')
app.disable('etag')
app.use((_request, response) => response.json(body))
const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port))
