import t from 'tap'
import { Heap } from './heap.js'
import { SeededRandom } from './random.js'

void t.test('the heap gives the soonest first', async t => {
  const random = new SeededRandom(7)
  const heap = new Heap<{ atMs: number }>((a, b) => a.atMs < b.atMs)
  const times = Array.from({ length: 500 }, () => random.below(100))
  for (const atMs of times) heap.push({ atMs })
  t.equal(heap.size, 500)
  const popped = Array.from({ length: 500 }, () => heap.pop()!.atMs)
  t.same(
    popped,
    times.toSorted((a, b) => a - b),
  )
  t.equal(heap.pop(), undefined)
})
