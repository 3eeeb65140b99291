import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { CARILLON_ENV, CARILLON_FLAGS } from './own-process.js'
import { waitFor } from './wait-for.js'

void t.test('what is started without the launcher runs with its flags and environment', t => {
  const launcher = readFileSync(new URL('../../../carillon', import.meta.url), 'utf8')
  t.match(launcher, `exec node ${CARILLON_FLAGS.join(' ')} `)
  for (const [name, value] of Object.entries(CARILLON_ENV))
    t.match(launcher, `${name}=\${${name}:-${value}}\nexport ${name}\n`)
  t.end()
})

void t.test('a program of others ends when who started it is killed', async t => {
  const module = new URL('./own-process.js', import.meta.url).href
  const code = `
    const { OwnProcess } = await import('${module}')
    const { pid } = new OwnProcess({ name: 'sleep', script: 'sleep', args: ['600'], logFile: '/dev/null' })
    console.log(pid)`
  const starter = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(starter.stdout, 'data')) as [Buffer]
  const pid = Number(line)
  await waitFor('setpriv has become sleep', () => commandOf(pid) === 'sleep')
  starter.kill('SIGKILL')
  await waitFor('it has ended', () => commandOf(pid) === '')
  t.equal(commandOf(pid), '')
})

/** The first word of a process's command line; empty where it has ended. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0] ?? ''
  } catch {
    return ''
  }
}
