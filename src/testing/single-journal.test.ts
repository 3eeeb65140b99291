import t from 'tap'
import { addressHash } from '../journal/index.js'
import { SingleJournal } from './single-journal.js'
import { VirtualTime } from './virtual-time.js'

const BODY = Buffer.from('body')

async function start(t: { teardown(fn: () => unknown): void }) {
  const time = new VirtualTime()
  const cluster = await SingleJournal.open({ time })
  t.teardown(() => cluster.stop())
  const answers: string[] = []
  const submit = () =>
    cluster.proposer.submit(
      cluster.state.connector('smsc-a')!.number,
      0,
      cluster.state.revision,
      {
        account: cluster.state.account('esme1')!.number,
        registered_delivery: 0,
        flags: 0,
        expiresAtMs: 0,
        dueAtMs: 0,
        session: 1,
        addressHash: addressHash(BODY, 0, 4),
        body: BODY,
      },
      {
        accepted: (index, offset) => answers.push(`${index}.${offset}`),
        refused: why => answers.push(why),
      },
    )
  return { time, cluster, answers, submit }
}

void t.test('what is proposed is applied in the same turn, and its octets can be read', async t => {
  const { time, cluster, answers, submit } = await start(t)
  t.equal(submit(), 'queued')
  submit()
  time.turn()
  t.equal(cluster.state.connector('smsc-a')!.queued, 2)
  t.equal(answers.length, 2)
  const [index = 0, offset = 0] = answers[1]!.split('.').map(Number)
  const message = cluster.journal.message(index * 4096 + offset)
  t.equal(message?.body.toString(), 'body')
})

void t.test('lost and repeated proposals are one message all the same', async t => {
  const { time, cluster, answers, submit } = await start(t)
  cluster.setLeader('lost')
  submit()
  time.advance(500)
  t.same(answers, [])
  cluster.copies = 2
  cluster.setLeader('here')
  time.advance(1000)
  t.equal(answers.length, 1)
  t.equal(cluster.state.connector('smsc-a')!.queued, 1)
})

void t.test('without a leader a submit is refused after the time-out', async t => {
  const { time, cluster, answers, submit } = await start(t)
  cluster.setLeader('none')
  submit()
  time.advance(5100)
  t.same(answers, ['timeout'])
  t.equal(submit(), 'noLeader')
})

void t.test('when the boot ends all that is open is refused, and another can begin', async t => {
  const { time, cluster, answers, submit } = await start(t)
  cluster.setLeader('held')
  submit()
  time.turn()
  cluster.endBoot()
  cluster.begin(2)
  t.same(answers, ['staleBoot'])
  cluster.setLeader('here')
  submit()
  time.turn()
  t.equal(cluster.state.connector('smsc-a')!.queued, 1)
})
