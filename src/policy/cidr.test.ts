import t from 'tap'
import { allows, isLoopback, parseCidr } from './cidr.js'

for (const [cidr, address, expected] of [
  ['127.0.0.0/8', '127.5.5.5', true],
  ['127.0.0.0/8', '128.0.0.1', false],
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.4', false],
  ['10.1.2.99/24', '10.1.2.1', true],
  ['0.0.0.0/0', '203.0.113.9', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['10.0.0.0/8', '::ffff:10.9.9.9', true],
  ['2001:db8::/32', '2001:db8:ffff::1', true],
  ['2001:db8::/32', '2001:db9::1', false],
  ['::1/128', '::1', true],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['10.0.0.0/8', 'not an address', false],
] as const) {
  void t.test(`${cidr} ${expected ? 'lets in' : 'keeps out'} ${address}`, async t => {
    t.equal(allows([cidr], address), expected)
  })
}

void t.test('an empty list lets everyone in', async t => {
  t.ok(allows([], '203.0.113.9'))
})

for (const text of [
  '',
  '10.0.0',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '::/129',
  '10.0.0.0/-1',
  'a/8',
]) {
  void t.test(`'${text}' is no address range`, async t => {
    t.equal(parseCidr(text), undefined)
  })
}

void t.test('loopback is what only this machine reaches', async t => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1']) {
    t.ok(isLoopback(host), host)
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.net', ''])
    t.notOk(isLoopback(host), host)
})
