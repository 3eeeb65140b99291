import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { waitFor } from '../src/testing/wait-for.js'

const LIBRARY = new URL('./hard-stop.js', import.meta.url).href
/** Heals for a while after it was stopped, saying so, and ends with status 7. */
const DRILL = `
  import { stopOnSignals } from ${JSON.stringify(LIBRARY)}
  const { signal } = stopOnSignals(text => process.stderr.write(text + '\\n'))
  signal.addEventListener('abort', () => {
    let said = 0
    setInterval(() => {
      process.stdout.write('healing\\n')
      process.stderr.write(signal.reason.message + '\\n')
      if (++said === 20) process.exit(7)
    }, 5)
  })
  process.stdout.write('begun\\n')
  setInterval(() => undefined, 1000)
`

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  void t.test(`${name} ends a drill in good order, and a second one at once`, async t => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', DRILL])
    let said = ''
    child.stdout.on('data', chunk => (said += String(chunk)))
    child.stderr.on('data', chunk => (said += String(chunk)))
    await waitFor('it runs', () => said.includes('begun'))
    child.kill(name)
    t.same(await once(child, 'close'), [7, null])
    t.match(said, `${name}: the drill is stopped and its faults healed`)
    t.match(said, `stopped by ${name}`)

    const other = spawn(process.execPath, ['--input-type=module', '-e', DRILL])
    other.stderr.resume()
    other.stdout.on('data', chunk => {
      if (String(chunk).includes('begun')) other.kill(name)
      if (String(chunk).includes('healing')) other.kill(name)
    })
    t.same(await once(other, 'close'), [null, name])
  })
}

void t.test('a drill whose terminal is gone still heals', async t => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', DRILL])
  await once(child.stdout, 'data')
  child.stdout.destroy()
  child.stderr.destroy()
  child.kill('SIGHUP')
  t.same(await once(child, 'exit'), [7, null])
})
