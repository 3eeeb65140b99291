import t from 'tap'
import { SeededRandom } from '../base/random.js'
import { connectionPair } from '../link/testing/connection-pair.js'
import { encodePdu } from '../smpp/codec.js'
import { relayedMo, relayedReceipt } from './receipt-pdu.js'
import { FrontWorld } from './testing/front-world.js'

/** A PDU of a peer that errs or means harm: octets changed, cut or added, the length right. */
function bent(pdu: Buffer, random: SeededRandom): Buffer {
  const cut = random.below(4) === 0 ? 16 + random.below(pdu.length - 15) : pdu.length
  const octets = Buffer.concat([pdu.subarray(0, cut), random.octets(random.below(8))])
  for (let i = random.below(4); i > 0; i--)
    if (octets.length > 16) octets[16 + random.below(octets.length - 16)] = random.below(256)
  octets.writeUInt32BE(octets.length, 0)
  return octets
}

const SAMPLES = [
  encodePdu(
    'submit_sm',
    { sequence_number: 1 },
    { destination_addr: '4917', validity_period: '000001000000000R' },
  ),
  encodePdu('data_sm', { sequence_number: 2 }, { destination_addr: '4917' }),
  encodePdu('query_sm', { sequence_number: 3 }, { message_id: 'abcd00000000000010ff' }),
  encodePdu('cancel_sm', { sequence_number: 4 }),
  encodePdu('replace_sm', { sequence_number: 5 }),
  encodePdu('bind_transmitter', { sequence_number: 6 }, { system_id: 'esme1', password: 'x' }),
  encodePdu('deliver_sm_resp', { sequence_number: 7, command_status: 0x7777 }),
  encodePdu('submit_multi', { sequence_number: 8 }),
]

for (const seed of [1, 2, 3]) {
  void t.test(`bent PDUs cost their own session at most, seed ${seed} (I9)`, async t => {
    const world = await FrontWorld.open(t)
    const random = new SeededRandom(seed)
    const good = world.bound()
    world.mo(['one'])
    for (let i = 0; i < 300; i++) {
      const [ours, theirs] = connectionPair(world.time, { chunkOctets: 1 + random.below(200) })
      world.front.accept(ours)
      theirs.listen({ data: () => undefined, drained: () => undefined, closed: () => undefined })
      if (i % 3 > 0)
        theirs.write(
          encodePdu(
            'bind_transceiver',
            { sequence_number: 1 },
            { system_id: 'esme1', password: 'secret1' },
          ),
        )
      for (let k = 0; k < 8; k++) theirs.write(bent(SAMPLES[random.below(SAMPLES.length)]!, random))
      world.time.turn()
      theirs.destroy()
      world.time.turn()
    }
    await world.settle()
    world.time.advance(2000)
    t.same(world.front.counts, { connections: 1, sessions: 1 })
    t.equal(world.account.sessions.size, 1)
    good.submit()
    world.time.turn()
    t.equal(good.statuses[0], 'ESME_ROK')
    t.ok(good.texts.includes('one'))
    t.equal(world.account.owed, 0)
  })
}

void t.test('bent bodies of an SMSC are passed on without a throw', async t => {
  const random = new SeededRandom(4)
  const receipt = encodePdu(
    'deliver_sm',
    { sequence_number: 1 },
    {
      short_message: Buffer.from('id:12 stat:DELIVRD'),
      tlvs: [
        { tag: 0x0424, value: Buffer.from('id:12 stat:DELIVRD') },
        { tag: 0x001e, value: Buffer.from('12\0') },
      ],
    },
  )
  for (let i = 0; i < 5000; i++) {
    const body = bent(receipt, random).subarray(16)
    for (const tlvs of [true, false]) {
      relayedReceipt(body, 'f'.repeat(20), tlvs)
      relayedMo(body, tlvs)
    }
  }
  t.pass('all were')
})
