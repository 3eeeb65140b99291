import t from 'tap'
import { refOf } from '../journal/index.js'
import { encodeBody, tlv } from '../smpp/codec.js'
import { connector } from '../testing/gateway.js'
import { SingleJournal } from '../testing/single-journal.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { Cutter, REMEMBERED_MAX } from './cutter.js'
import { Parts } from './parts.js'

void t.test(
  'of a thousand messages in parts it is remembered what the SMSC has, of one more the first is forgotten',
  async t => {
    const time = new VirtualTime()
    const cluster = await SingleJournal.open({ time })
    t.teardown(() => cluster.stop())
    const cutter = new Cutter(cluster.journal)
    const tlvs = [tlv.octets('message_payload', Buffer.alloc(200, 0x61))]
    const body = encodeBody('submit_sm', { destination_addr: '49170', tlvs })
    const settings = connector('smsc-a', { longMessages: 'udh8' })
    const cut = (i: number): Parts => {
      const parts = cutter.cut(refOf(i, 0), body, settings)
      if (!(parts instanceof Parts)) throw new Error('it was not cut')
      return parts
    }
    const half = (i: number): void => {
      const parts = cut(i)
      parts.written()
      parts.taken(0, `smsc-${i}`)
      cutter.remember(refOf(i, 0), parts)
    }
    for (let i = 1; i <= REMEMBERED_MAX; i++) half(i)
    t.equal(cut(1).due?.index, 1, 'the first part is not sent again')
    half(1)
    half(REMEMBERED_MAX + 1) // now the second is the one that began first
    t.equal(cut(2).due?.index, 0, 'forgotten: all parts go again')
    for (const i of [3, REMEMBERED_MAX, 1, REMEMBERED_MAX + 1])
      t.equal(cut(i).due?.index, 1, `${i}`)
  },
)
