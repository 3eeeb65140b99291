import t from 'tap'
import type { Body } from '../smpp/codec.js'
import { encodeBody, findTlv } from '../smpp/codec.js'
import { account, gateway } from '../testing/gateway.js'
import { joinParts, partOf } from '../text/join.js'
import { FrontWorld } from './testing/front-world.js'

const TEXT = 'abcdefghij'.repeat(40)

/** A text as parts of 134 octets. */
function parts(text: string, reference = 7, over: Partial<Body<'deliver_sm'>> = {}): Buffer[] {
  const total = Math.ceil(text.length / 134)
  return Array.from({ length: total }, (_, i) => {
    const header = Buffer.of(5, 0, 3, reference, total, i + 1)
    const said = Buffer.from(text.slice(134 * i, 134 * (i + 1)))
    const short_message = Buffer.concat([header, said])
    return encodeBody('deliver_sm', { esm_class: 0x40, short_message, ...over })
  })
}

/** Bodies come from the SMSC, in one entry. */
function come(world: FrontWorld, ...bodies: Buffer[]): void {
  const { number, epoch } = world.cluster.state.connector('smsc-a')!
  world.cluster.decide({
    kind: 'inbound',
    connector: number,
    epoch,
    items: bodies.map(body => {
      const part = partOf(body)
      return {
        kind: 'mo' as const,
        account: world.account.number,
        ...(part === undefined ? {} : { part }),
        body,
      }
    }),
  })
  world.time.turn()
}

const open = (
  t: Parameters<typeof FrontWorld.open>[0],
  over: Parameters<typeof account>[1] = {},
): Promise<FrontWorld> =>
  FrontWorld.open(t, {
    settings: gateway({ accounts: [account('esme1', { longMo: 'whole', ...over })] }),
  })

const single = (text: string): Buffer =>
  encodeBody('deliver_sm', { short_message: Buffer.from(text) })

/** What an ESME was told, a part by its number. */
const told = (delivered: readonly Body<'deliver_sm'>[]): string[] =>
  delivered.map(({ esm_class, short_message, tlvs }) => {
    const payload = findTlv(tlvs, 'message_payload')?.toString('latin1')
    return esm_class === 0x40 ? `part ${short_message[5]}` : (payload ?? String(short_message))
  })

void t.test('an MO in parts is told as one, when the last part has come', async t => {
  const world = await open(t)
  const esme = world.bound({ interface_version: 0x34 })
  const [one, two, three] = parts(TEXT)
  come(world, three!, one!)
  come(world, single('between'))
  t.same(esme.texts, ['between'])
  come(world, two!)
  t.same(told(esme.delivered), ['between', TEXT])
  t.equal(world.account.owed, 0)
  come(world, ...parts('x'.repeat(135), 8))
  t.equal(esme.delivered.at(-1)!.short_message.length, 135, 'short_message where that is enough')
  t.same(esme.delivered.at(-1)!.tlvs, [])
})

void t.test('what came is told as it came when longMoTimeout is over', async t => {
  const world = await open(t, { longMoTimeoutMs: 5000 })
  const esme = world.bound({ interface_version: 0x34 })
  const [one, , three] = parts(TEXT)
  come(world, three!, one!)
  world.time.advance(4900)
  t.same(esme.delivered, [])
  world.time.advance(1200)
  t.same(told(esme.delivered), ['part 3', 'part 1'])
  t.equal(world.account.owed, 0)
  t.equal(world.account.longMos.size, 0)
})

void t.test('parts wait no longer once the account wants them as they come', async t => {
  const world = await open(t)
  const esme = world.bound({ interface_version: 0x34 })
  come(world, parts(TEXT)[0]!)
  world.time.advance(2000)
  t.same(esme.delivered, [])
  world.cluster.decide({
    kind: 'settings',
    expected: null,
    settings: gateway(),
    author: 'test',
    atMs: world.time.nowMs(),
  })
  world.time.advance(1000)
  t.same(told(esme.delivered), ['part 1'])
})

void t.test(
  'to a session of SMPP 3.3 a long MO goes in parts, and all are acknowledged',
  async t => {
    const world = await open(t)
    const esme = world.bound({ interface_version: 0x33 })
    esme.answering = null
    const [one, two, three] = parts(TEXT)
    come(world, three!, one!, two!)
    come(world, single('next'))
    t.same(told(esme.delivered), ['part 3', 'part 1', 'part 2', 'next'], 'in order')
    const [first, second, third, next] = esme.held
    for (const sequence of [first, second, next]) esme.link.respond(5, sequence!, 'ESME_ROK')
    world.time.turn()
    t.equal(world.account.owed, 1, 'one part is not acknowledged')
    esme.link.respond(5, third!, 'ESME_RX_T_APPN')
    esme.answering = 'ESME_ROK'
    world.time.advance(2000)
    t.same(told(esme.delivered).slice(4), ['part 2'], 'it alone comes again')
    t.equal(world.account.owed, 0)
  },
)

void t.test('a window smaller than the parts holds back what follows them', async t => {
  const world = await open(t, { window: 2 })
  const esme = world.bound({ interface_version: 0x33 })
  esme.answering = null
  come(world, ...parts(TEXT))
  come(world, single('next'))
  while (esme.held.length > 0) {
    esme.link.respond(5, esme.held.shift()!, 'ESME_ROK')
    world.time.turn()
  }
  t.same(told(esme.delivered), ['part 1', 'part 2', 'part 3', 'next'])
  t.equal(world.account.owed, 0)
})

void t.test('to a session of SMPP 3.3 one goes that fits into short_message', async t => {
  const world = await open(t)
  const esme = world.bound({ interface_version: 0x33 })
  come(world, ...parts('x'.repeat(254)))
  t.same(esme.texts, ['x'.repeat(254)])
})

void t.test('of two sessions the one that knows TLVs gets a long MO', async t => {
  const world = await open(t)
  const old = world.bound({ interface_version: 0x33 })
  const young = world.bound({ interface_version: 0x34 })
  for (let reference = 0; reference < 4; reference++) come(world, ...parts(TEXT, reference))
  t.same(old.delivered, [])
  t.same(told(young.delivered), [TEXT, TEXT, TEXT, TEXT])
})

void t.test('what a session leaves unanswered comes again whole', async t => {
  const world = await open(t)
  const esme = world.bound({ interface_version: 0x34 })
  esme.answering = null
  come(world, ...parts(TEXT))
  esme.link.close('test')
  world.time.turn()
  const next = world.bound({ interface_version: 0x34 })
  world.time.advance(2000)
  t.same(told(next.delivered), [TEXT])
  t.equal(world.account.owed, 0)
})

void t.test('a join that is none is told in parts', async t => {
  t.equal(joinParts([Buffer.alloc(3)], 'gsm7'), undefined)
  t.equal(joinParts([], 'gsm7'), undefined)
})
