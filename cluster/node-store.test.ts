import t from 'tap'
import { silentLogger } from '../src/base/logger.js'
import { SeededRandom } from '../src/base/random.js'
import { MemoryFolder } from '../src/testing/memory-store.js'
import { NodeStore } from './node-store.js'

/** A node's store on a disk that fails while `broken` is set. */
async function opened() {
  const disk = new MemoryFolder()
  const at = { broken: false, warned: [] as string[] }
  disk.onWrite = () => (at.broken ? Promise.reject(new Error('EIO')) : Promise.resolve())
  const logger = { ...silentLogger, warn: (event: string) => void at.warned.push(event) }
  const store = await disk.open('log')
  const nodeStore = await NodeStore.open(store, new SeededRandom(1), logger)
  return { at, nodeStore, again: () => NodeStore.open(store, new SeededRandom(2), logger) }
}

/** Lets promises settle. */
const settled = () => new Promise(resolve => setImmediate(resolve))

void t.test('the first nonce of a peer is remembered, also over a restart', async t => {
  const { nodeStore, again } = await opened()
  t.ok(nodeStore.accepts(2, 'aa'))
  t.ok(nodeStore.accepts(2, 'aa'))
  t.notOk(nodeStore.accepts(2, 'bb'))
  await settled()
  const after = await again()
  t.equal(after.nonce, nodeStore.nonce)
  t.notOk(after.accepts(2, 'bb'))
})

void t.test('a peer that does not reach the disk is told of, and met anew', async t => {
  const { at, nodeStore } = await opened()
  at.broken = true
  t.ok(nodeStore.accepts(2, 'aa'))
  await settled()
  t.same(at.warned, ['a peer is not remembered'])
  at.broken = false
  t.ok(nodeStore.accepts(2, 'bb'))
  await settled()
  t.notOk(nodeStore.accepts(2, 'aa'))
})
