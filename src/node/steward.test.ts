import t from 'tap'
import type { PeerState } from '../../cluster/types.js'
import { addressHash, indexOf, refOf } from '../journal/index.js'
import { account, connector, gateway } from '../testing/gateway.js'
import { SingleJournal } from '../testing/single-journal.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { decide, type StewardView } from './steward.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

async function start(tap: { teardown(fn: () => unknown): void }, settings = gateway()) {
  const time = new VirtualTime()
  const cluster = await SingleJournal.open({ time, settings })
  tap.teardown(() => cluster.stop())
  const view = (over: Partial<StewardView> = {}): StewardView => ({
    journal: cluster.journal,
    leadingSinceMs: 0,
    leadingAwakeMs: 10_000,
    predecessor: undefined,
    monotonicMs: 10_000,
    nowMs: time.nowMs(),
    electionTimeoutMs: 500,
    members: new Set([1, 2, 99]),
    peer: peer('connected', 0, 0),
    generation: 7,
    hasFirstSettings: true,
    ...over,
  })
  const body = Buffer.from('body')
  const submit = (): void => {
    const { state, proposer } = cluster
    const record = {
      account: state.account('esme1')!.number,
      registered_delivery: 1,
      flags: 0,
      expiresAtMs: 0,
      dueAtMs: 0,
      session: 0,
      addressHash: addressHash(body, 0, 4),
      body,
    }
    const ticket = { accepted: () => undefined, refused: (why: string) => t.fail(why) }
    proposer.submit(state.connector('smsc-a')!.number, 0, state.revision, record, ticket)
    time.turn()
  }
  return { time, cluster, view, submit }
}

void t.test('with nothing to do it does nothing: an idle cluster appends nothing', async t => {
  const { view } = await start(t)
  t.same(decide(view()), [])
})

for (const { title, over, expected } of [
  { title: 'a node that is heard stays', over: {}, expected: [] },
  {
    title: 'a port that refuses is a process that is gone',
    over: { peer: peer('refused', 9_600, 400) },
    expected: [{ kind: 'nodeDown', node: 2, boot: 5, why: 'refused' }],
  },
  {
    title: 'it may only be starting again',
    over: { peer: peer('refused', 9_800, 200) },
    expected: [],
  },
  {
    title: 'a node that is not heard for three election timeouts is down',
    over: { peer: peer('connected', 0, 1_500) },
    expected: [{ kind: 'nodeDown', node: 2, boot: 5, why: 'silent' }],
  },
  {
    title: 'and not before',
    over: { peer: peer('silent', 8_501, 1_499) },
    expected: [],
  },
  {
    title: 'a new leader waits for an election timeout',
    over: { peer: peer('refused', 0, 9_000), leadingSinceMs: 9_600 },
    expected: [],
  },
  {
    title: 'a node that is no member any more is down',
    over: { members: new Set([1, 99]) },
    expected: [{ kind: 'nodeDown', node: 2, boot: 5, why: 'removed' }],
  },
] as { title: string; over: Partial<StewardView>; expected: unknown[] }[])
  void t.test(title, async t => {
    const { cluster, view } = await start(t)
    cluster.journal.state.nodes.register(2, 5, 0)
    // node 99 is how the test applies commands
    const decisions = decide(view(over)).filter(
      decision => !('node' in decision && decision.node === 99),
    )
    t.same(decisions, expected)
  })

// The node that led fell silent at 9,350; the next one leads since 9,850.
for (const { title, over, relieved } of [
  { title: 'who led before and fell silent is relieved', over: {}, relieved: true },
  {
    title: 'it gets the time to answer its successor',
    over: { leadingAwakeMs: 149 },
    relieved: false,
  },
  {
    title: 'who handed leadership over, and was heard meanwhile, keeps its homes',
    over: { peer: peer('connected', 0, 0, 9_850) },
    relieved: false,
  },
  {
    title: 'who was heard just before the new leader came is waited for longer',
    over: { peer: peer('connected', 0, 0, 9_351) },
    relieved: false,
  },
  {
    title: 'unless its process is gone',
    over: { peer: peer('refused', 9_700, 0, 9_700) },
    relieved: true,
  },
  {
    title: 'whoever else is silent keeps its homes for now',
    over: { predecessor: undefined },
    relieved: false,
  },
  { title: 'what is away is away', over: { predecessor: 3 }, relieved: false },
] as { title: string; over: Partial<StewardView>; relieved: boolean }[])
  void t.test(title, async t => {
    const { cluster, view } = await start(t)
    const { nodes } = cluster.journal.state
    nodes.register(2, 5, 0)
    const seen = {
      leadingSinceMs: 9_850,
      leadingAwakeMs: 150,
      predecessor: 2,
      peer: peer('connected', 0, 0, 9_350),
      ...over,
    }
    t.same(decide(view(seen)), relieved ? [{ kind: 'relieve', node: 2, boot: 5 }] : [])
    nodes.set({ ...nodes.get(2)!, draining: true })
    t.same(decide(view(seen)), [], 'once')
  })

void t.test('messages are forgotten when their retention is over, a step at a time', async t => {
  const { time, cluster, view, submit } = await start(t)
  submit()
  const [first] = [cluster.state.appliedIndex]
  time.advance(30 * 60_000)
  submit()
  t.same(decide(view()), [])
  time.advance(31 * 60_000)
  const [decision] = decide(view())
  t.match(decision, { kind: 'retire', unawaited: [] })
  t.ok(decision?.kind === 'retire' && decision.upTo > first && decision.upTo <= first + 1)
})

void t.test('a receipt that never comes is waited for until a day after the validity', async t => {
  const { time, cluster, view, submit } = await start(t)
  submit()
  const ref = refOf(cluster.state.appliedIndex, 0)
  const sent = { ref, attempt: 1, result: 'sent', error: 0, smscId: 'x', retryAtMs: 0 } as const
  cluster.decide({ kind: 'outcomes', connector: 1, epoch: 1, items: [sent] })
  const look = (): unknown[] => {
    const decisions = decide(view())
    for (const decision of decisions) if (decision.kind === 'retire') cluster.decide(decision)
    return decisions
  }
  time.advance(2 * HOUR)
  look()
  t.equal(cluster.state.lingering.size, 1)
  time.advance(4 * DAY - 3 * HOUR)
  t.same(look(), [])
  time.advance(2 * HOUR)
  t.match(look(), [{ kind: 'retire', unawaited: [indexOf(ref)] }])
  t.same([cluster.state.lingering.size, cluster.state.smscIds.size], [0, 0], 'all of it is free')
})

void t.test('a node whose clock is outvoted proposes nothing of time', async t => {
  const { time, view, submit } = await start(t)
  submit()
  submit()
  time.advance(2 * HOUR)
  t.not(decide(view()).length, 0)
  t.same(decide(view({ nowMs: undefined })), [])
})

void t.test('validity ends for messages of a connector that no node may run', async t => {
  const settings = gateway({ connectors: [connector('smsc-a', { nodes: [77] })] })
  const { time, view, submit } = await start(t, settings)
  submit()
  time.advance(DAY)
  t.notOk(decide(view()).some(({ kind }) => kind === 'expire'))
  time.advance(3 * DAY)
  const expire = decide(view()).find(({ kind }) => kind === 'expire')
  t.match(expire, { connector: 1, refs: { length: 1 } })
})

void t.test('bans are lifted when they are over, by a clock that may be trusted', async t => {
  const { time, cluster, view } = await start(t)
  const account = cluster.state.account('esme1')!.number
  const sinceMs = time.nowMs()
  const ban = (address: string, forMs: number) =>
    ({ account, address, sinceMs, untilMs: sinceMs + forMs, failures: 20 }) as const
  cluster.decide({ kind: 'ban', bans: [ban('a', HOUR), ban('b', DAY)] })
  time.advance(HOUR - 1)
  t.same(decide(view()), [])
  time.advance(1)
  t.same(decide(view({ nowMs: undefined })), [])
  const decisions = decide(view())
  t.same(decisions, [{ kind: 'liftBans', bans: [{ account, address: 'a' }] }])
  for (const decision of decisions) if (decision.kind === 'liftBans') cluster.decide(decision)
  t.same(decide(view()), [])
  t.equal(cluster.state.bans.size, 1)
})

void t.test('a resubmission window ends for what was lost before it began', async t => {
  const settings = gateway({ accounts: [account('esme1', { resubmissionWindowMs: 60_000 })] })
  const { time, cluster, view } = await start(t, settings)
  const { resubmissions, number } = cluster.state.account('esme1')!
  resubmissions.add(4096, 'a', '1.1.1', time.nowMs())
  resubmissions.add(4097, 'a', '1.1.1', 0)
  const forgets = () => decide(view()).filter(({ kind }) => kind === 'forgetLost')
  time.advance(60_000)
  t.same(forgets(), [])
  time.advance(1)
  t.same(forgets(), [{ kind: 'forgetLost', account: number, refs: [4096] }])
  cluster.decide({ kind: 'forgetLost', account: number, refs: [4096] })
  t.same(forgets(), [])
  t.equal(resubmissions.size, 1, 'what is open stays')
})

void t.test(
  'parts of MO of an account that nobody delivers to wait no longer than others',
  async t => {
    const settings = gateway({ accounts: [account('esme1', { longMo: 'whole' })] })
    const { time, cluster, view } = await start(t, settings)
    const { longMos, number, epoch } = cluster.state.account('esme1')!
    longMos.begin('key', 4096, time.nowMs())
    const decisions = () => decide(view()).filter(({ kind }) => kind === 'giveUpParts')
    time.advance(60_000)
    t.same(decisions(), [])
    time.advance(1)
    const refs = [4096]
    t.same(decisions(), [{ kind: 'giveUpParts', account: number, epoch, refs }])
    cluster.decide({ kind: 'giveUpParts', account: number, epoch, refs })
    t.same(decisions(), [])
  },
)

function peer(
  state: PeerState,
  sinceMs: number,
  silentMs: number,
  heardAtMs = 10_000 - silentMs,
): StewardView['peer'] {
  return () => ({ state, sinceMs, heardAtMs, silentMs })
}
