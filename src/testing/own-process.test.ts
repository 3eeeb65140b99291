import { readFileSync } from 'node:fs'
import t from 'tap'
import { CARILLON_ENV, CARILLON_FLAGS } from './own-process.js'

void t.test('what is started without the launcher runs with its flags and environment', t => {
  const launcher = readFileSync(new URL('../../../carillon', import.meta.url), 'utf8')
  t.match(launcher, `exec node ${CARILLON_FLAGS.join(' ')} `)
  for (const [name, value] of Object.entries(CARILLON_ENV))
    t.match(launcher, `${name}=\${${name}:-${value}}\nexport ${name}\n`)
  t.end()
})
