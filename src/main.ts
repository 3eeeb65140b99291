import { processIo } from './cli/io.js'
import { run } from './cli/program.js'

// What nobody expected ends the process with its stack: a wrong node is worse than a missing one.
process.exit(await run(process.argv.slice(2), processIo()))
