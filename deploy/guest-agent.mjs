/* Starts the agent of a guest's container: `node start.mjs SEEDFILE`. */
import { main } from './agent.mjs'

await main({ seedFile: process.argv[2] })
