import t from 'tap'
import { account, connector, gateway } from '../testing/gateway.js'
import { World } from './testing/world.js'

const latin1 = { accounts: [account('esme1', { defaultAlphabet: 'latin1' })] }

/** What the SMSC got of `text`, which goes in as Latin-1. */
async function sent(world: World, text: string): Promise<{ data_coding: number; octets: string }> {
  await world.submit({ text })
  await world.pass(10)
  const { data_coding, short_message } = world.smsc.submitted.at(-1)!.fields
  return { data_coding, octets: short_message.toString('hex') }
}

void t.test('an account in Latin-1 speaks to an SMSC in septets', async t => {
  const world = await World.open({}, { gateway: latin1 })
  t.same(await sent(world, '@ü{'), { data_coding: 0, octets: '007e1b28' })
  t.same(await sent(world, 'ê'), { data_coding: 8, octets: '00ea' })
  await world.stop()
})

void t.test('otherCharacters: questionMark keeps the coding', async t => {
  const world = await World.open({ otherCharacters: 'questionMark' }, { gateway: latin1 })
  t.same(await sent(world, 'aê'), { data_coding: 0, octets: '613f' })
  await world.stop()
})

for (const { title, settings, accounts } of [
  { title: 'neither says anything', settings: {}, accounts: [account('esme1')] },
  { title: 'both say the same', settings: { defaultAlphabet: 'latin1' }, ...latin1 },
] as const)
  void t.test(`octets go through where ${title}`, async t => {
    const world = await World.open(settings, {
      gateway: { accounts: [...accounts] },
    })
    t.same(await sent(world, '@ü{\xff'), { data_coding: 0, octets: '40fc7bff' })
    await world.stop()
  })

void t.test('what is applied counts from the next message on', async t => {
  const world = await World.open({}, { gateway: latin1 })
  t.match(await sent(world, '@'), { octets: '00' })
  world.cluster.apply(gateway({ connectors: [connector('smsc-a')] }))
  await world.pass(10)
  t.match(await sent(world, '@'), { octets: '40' }, 'the account is of septets now')
  world.cluster.apply(gateway({ connectors: [connector('smsc-a', { defaultAlphabet: 'latin1' })] }))
  await world.pass(10)
  t.match(await sent(world, '\0'), { octets: '40' }, 'and its connector of Latin-1')
  await world.stop()
})

void t.test('MO come in the alphabet of the account; receipts as they are', async t => {
  const world = await World.open({}, { gateway: latin1 })
  await world.submit()
  await world.pass(10)
  const mo = { source_addr: '49170', destination_addr: '1234' }
  world.smsc.deliver('mo', { ...mo, short_message: Buffer.from('007e1b65', 'hex') })
  world.smsc.receipt('smsc-1')
  await world.pass(10)
  t.same([...world.smsc.delivered].sort(), ['mo ESME_ROK', 'smsc-1 ESME_ROK'])
  const owed = world.cluster.state.account('esme1')!
  const bodies = [0, 1].map(seq => {
    const { inbound } = owed.delivery(seq)!
    return world.cluster.journal.message(inbound)!.body
  })
  const texts = bodies.map(body => body.toString('latin1'))
  t.match(
    texts.find(text => !text.includes('id:')),
    '\0\x40\0\xfc',
    '@ü€ in UCS-2: Latin-1 has no €',
  )
  t.match(
    texts.find(text => text.includes('id:')),
    'err:007',
  )
  await world.stop()
})
