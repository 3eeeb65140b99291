import t from 'tap'
import { BANS_MAX, type Ban } from './bans.js'
import type { Command } from './commands.js'
import { TestLog } from './testing/log.js'

const at = (address: string, account = 1): Ban => ({
  account,
  address,
  sinceMs: 1000,
  untilMs: 2000,
  failures: 20,
})
const ban = (...bans: Ban[]): Command => ({ kind: 'ban', bans })
const lift = (...bans: Ban[]): Command => ({ kind: 'liftBans', bans })
const inForce = (log: TestLog): string[] => [...log.state.bans.all()].map(({ address }) => address)

void t.test('an address is banned from one account until a command lifts the ban', async t => {
  const log = await TestLog.ready()
  t.same(log.propose(1, ban(at('198.51.100.7'))), { ok: true })
  t.match(log.state.bans.get(1, '198.51.100.7'), { failures: 20, untilMs: 2000 })
  t.equal(log.state.bans.get(2, '198.51.100.7'), undefined, 'of another account')
  t.equal(log.state.bans.get(1, '198.51.100.8'), undefined, 'from another address')
  log.nowMs += 1_000_000
  log.propose(2, ban(at('::1')))
  t.equal(log.state.bans.size, 2, 'no time that passes changes it')
  t.same(log.propose(2, lift(at('198.51.100.7'), at('203.0.113.1'))), { ok: true, lifted: 1 })
  t.same(inForce(log), ['::1'])
})

void t.test(
  'bans outlive a restart in their order, and the oldest goes for one too many',
  async t => {
    const log = await TestLog.ready()
    for (let from = 0; from < BANS_MAX; from += 100)
      log.propose(1, ban(...Array.from({ length: 100 }, (_, i) => at(`a${from + i}`))))
    log.propose(1, ban(at('a0')))
    t.equal(log.state.bans.size, BANS_MAX)
    await log.state.flush()
    log.propose(1, lift(at('a1')))
    await log.restart()
    t.same(inForce(log).slice(-2), [`a${BANS_MAX - 1}`, 'a0'], 'it began anew')
    log.propose(1, ban(at('b1')))
    t.equal(inForce(log)[0], 'a2')
    log.propose(1, ban(at('b2')))
    t.same([log.state.bans.size, inForce(log)[0], inForce(log).at(-1)], [BANS_MAX, 'a3', 'b2'])
  },
)

void t.test('what cannot be is left out, and an old rule refuses all of it', async t => {
  const log = await TestLog.ready()
  const many = Array.from({ length: 101 }, (_, i) => at(`a${i}`))
  log.propose(1, ban(at('::1', 77), at('x'.repeat(65))))
  t.equal(log.state.bans.size, 0, 'no such account; no such address')
  log.propose(1, ban(...many))
  t.equal(log.state.bans.size, 100)
  const old = await TestLog.ready()
  old.state.setRules(10)
  t.match(old.propose(1, ban(at('::1'))), { ok: false })
  t.equal(old.state.bans.size, 0)
})
