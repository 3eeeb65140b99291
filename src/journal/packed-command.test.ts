import t from 'tap'
import { gateway } from '../testing/gateway.js'
import { packCommand, unpackCommand } from './packed-command.js'

const settings = { kind: 'settings', expected: null, settings: gateway(), author: 'me' } as const

void t.test('a command is read again as it was', async t => {
  const command = { ...settings, atMs: 1_764_000_000_000 }
  t.same(unpackCommand(packCommand(command)), command)
})

void t.test('one that could not be read again is refused where it is made', async t => {
  t.throws(() => packCommand({ ...settings, atMs: 1.5 }), /a settings command cannot be read again/)
})
