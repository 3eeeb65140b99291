import t from 'tap'
import { fnv1a } from './fnv.js'

void t.test('FNV-1a of 32 bits, as its authors publish it', t => {
  t.equal(fnv1a(Buffer.alloc(0)), 0x811c9dc5)
  t.equal(fnv1a(Buffer.from('a')), 0xe40c292c)
  t.equal(fnv1a(Buffer.from('foobar')), 0xbf9cf968)
  t.equal(fnv1a(Buffer.from('<foobar>'), 1, 7), 0xbf9cf968)
  t.end()
})
