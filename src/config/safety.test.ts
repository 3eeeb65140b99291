import t from 'tap'
import { parseNodeFile } from './node-file.js'
import { safetyWarnings, unsafeReasons } from './safety.js'

const configOf = (text: string) =>
  parseNodeFile(text, { file: '/n.yaml', environment: {}, exists: () => false }).config

const TLS = 'tls: { cert: c, key: k, ca: ca }'

for (const { text, expected } of [
  { text: '', expected: [] },
  { text: 'cluster: { listen: "[::1]:1" }', expected: [] },
  { text: 'cluster: { listen: 0.0.0.0:1 }', expected: [/cluster.tls/, /secretKeyFile/] },
  { text: `cluster: { listen: 10.0.0.1:1, ${TLS} }\nnode: { secretKeyFile: s }`, expected: [] },
  { text: 'http: { listen: "[::]:1" }', expected: [/http.apiKeys/, /secretKeyFile/] },
  { text: 'http: { listen: 0.0.0.0:1, apiKeys: [k] }\nnode: { secretKeyFile: s }', expected: [] },
  { text: 'smpp: { listeners: [{ listen: 0.0.0.0:1 }] }', expected: [/secretKeyFile/] },
  { text: 'smpp: { listen: 0.0.0.0:1 }', expected: [/secretKeyFile/] },
  { text: 'smpp: { listen: 0.0.0.0:1 }\nnode: { secretKeyFile: s }', expected: [] },
  {
    text: 'cluster: { listen: 0.0.0.0:1 }\nhttp: { listen: 0.0.0.0:2 }\ninsecure: true',
    expected: [],
  },
]) {
  const verdict = expected.length === 0 ? 'may start' : `is refused for ${expected.length} reasons`
  void t.test(`a node with ${JSON.stringify(text)} ${verdict}`, async t => {
    const reasons = unsafeReasons(configOf(text))
    t.match(reasons, expected)
    t.equal(reasons.length, expected.length)
  })
}

void t.test('plain secrets and insecure: true are warned of', async t => {
  t.match(safetyWarnings(configOf('insecure: true')), [/insecure/, /stored plain/])
  t.same(safetyWarnings(configOf('node: { secretKeyFile: s }')), [])
})
