import t from 'tap'
import { benchCommand, suitesOf } from './command.js'
import type { Flags } from './flags.js'
import { SUITE_NAMES, SUITES } from './suites/index.js'

const parsed = (...words: string[]): Flags =>
  benchCommand()
    .configureOutput({ writeErr: () => undefined })
    .parse(words, { from: 'user' })
    .opts<Flags>()

void t.test('suites are named in a list or one by one, and each runs once', t => {
  t.same(suitesOf(parsed()), ['gateway'])
  t.same(suitesOf(parsed('--suite', 'journal,codec', '--suite', 'codec')), ['codec', 'journal'])
  t.same(suitesOf(parsed('--codec', '--suite', 'codec')), ['codec'])
  t.same(suitesOf(parsed('--memory')), ['memory'])
  t.same(suitesOf(parsed('--hostile')), ['hostile'])
  t.throws(() => parsed('--suite', 'jornal'), /Expected gateway, codec/)
  t.end()
})

void t.test('the profile is one run more, the only one, or none', t => {
  t.same(
    [parsed().profile, parsed('--profile').profile, parsed('--no-profile').profile],
    [undefined, true, false],
  )
  t.end()
})

void t.test('every suite is there', async t => {
  for (const name of SUITE_NAMES) t.type(await SUITES[name].load(), 'function', name)
})
