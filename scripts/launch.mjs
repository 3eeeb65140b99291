// The second half of ./carillon: makes sure that there is something to run, then becomes it.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ensure } from './ensure.mjs'

const main = new URL('../build/src/main.js', import.meta.url)

try {
  await ensure()
  // Another launcher may be swapping a newer build in at this very moment.
  if (!existsSync(fileURLToPath(main))) await ensure()
} catch (error) {
  process.stderr.write(`carillon: ${error.message}\n`)
  process.exit(70)
}
await import(main.href)
