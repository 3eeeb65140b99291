import t from 'tap'
import { delayScript, filterText, HEALTHY } from './rules.js'

void t.test('what is blocked or lost is dropped where it comes in, and nothing else is', t => {
  const from = new Map([
    [1, { ...HEALTHY, blocked: true, loss: 0.05 }],
    [2, { ...HEALTHY, loss: 0.05 }],
    [3, HEALTHY],
  ])
  t.equal(
    filterText(from, false),
    `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 10.77.0.1 -j DROP
-A INPUT -s 10.77.0.2 -m statistic --mode random --probability 0.05 -j DROP
COMMIT
`,
  )
  t.end()
})

void t.test('a dead host takes and sends nothing', t => {
  t.match(filterText(new Map([[2, HEALTHY]]), true), /:INPUT DROP.*\n.*\n:OUTPUT DROP/)
  t.end()
})

void t.test('delays have a band for each peer; the rest passes by the first', t => {
  const slow = { ...HEALTHY, delayMs: 40, jitterMs: 20 }
  const script = delayScript(new Map([...[1, 2].map(id => [id, slow] as const), [3, HEALTHY]]))
  t.match(script, /root handle 1: prio bands 3 priomap( 0){16}\n/)
  t.match(script, 'parent 1:2 netem delay 50ms 10ms rate 1gbit')
  t.match(script, 'match ip dst 10.77.0.2/32 flowid 1:3')
  t.notMatch(script, '10.77.0.3')
  t.notMatch(delayScript(new Map([[3, HEALTHY]])), 'add', 'and are taken away again')
  t.end()
})
