import t from 'tap'
import { MemoryStore } from '../testing/memory-store.js'
import { Nodes } from './nodes.js'
import { StateStore } from './state-store.js'

async function reloaded(store: MemoryStore): Promise<Nodes> {
  const state = new StateStore(store)
  const nodes = new Nodes(state)
  await nodes.load(state)
  return nodes
}

/** Node 1 in its second boot; on disk is the first, with its outcome number 1. */
async function secondBoot(): Promise<{ store: MemoryStore; state: StateStore; nodes: Nodes }> {
  const store = new MemoryStore()
  store.opened = true
  const state = new StateStore(store)
  const nodes = new Nodes(state)
  nodes.register(1, 1, 0)
  nodes.keep(1, 1, { index: 10, results: [{ ok: true }] })
  await state.flush(() => undefined)
  nodes.register(1, 2, 0)
  return { store, state, nodes }
}

void t.test('an outcome of an earlier boot does not come back from disk', async t => {
  const { store, state, nodes } = await secondBoot()
  // between two writes: the next boot decides a proposal of the same number, and its node reads the outcome
  nodes.keep(1, 1, { index: 20, results: [{ ok: true }] })
  nodes.forgetBelow(1, 2)
  await state.flush(() => undefined)
  t.equal((await reloaded(store)).outcomeOf(1, 1), undefined)
})

void t.test('an outcome of a new boot replaces the one of the old boot on disk', async t => {
  const { store, state, nodes } = await secondBoot()
  nodes.keep(1, 1, { index: 20, results: [{ ok: true }] })
  await state.flush(() => undefined)
  t.equal((await reloaded(store)).outcomeOf(1, 1)?.index, 20)
})

void t.test(
  'what an earlier version left on disk goes when its node begins its next boot',
  async t => {
    const store = new MemoryStore()
    store.opened = true
    const before = new StateStore(store)
    const then = new Nodes(before)
    then.register(1, 2, 0)
    then.keep(1, 7, { index: 10, results: [{ ok: true }] }) // of boot 1, says nobody
    await before.flush(() => undefined)

    const state = new StateStore(store)
    const nodes = new Nodes(state)
    await nodes.load(state)
    t.equal(nodes.outcomeOf(1, 7)?.index, 10)
    nodes.register(1, 3, 0)
    t.equal(nodes.outcomeOf(1, 7), undefined)
    await state.flush(() => undefined)
    t.equal((await reloaded(store)).outcomeOf(1, 7), undefined)
  },
)
