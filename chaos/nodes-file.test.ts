import { readFileSync } from 'node:fs'
import t from 'tap'
import { recordingIo } from '../src/cli/io.js'
import { ConfigError } from '../src/config/file-error.js'
import { DRILLS } from './drills/index.js'
import { cannotRunOn } from './live.js'
import { main } from './main.js'
import { parseNodesFile } from './nodes-file.js'

const EXAMPLE = new URL('../../deploy/example/nodes.yaml', import.meta.url).pathname
const NODE = (id: number, more = ''): string =>
  `  - { id: ${id}, http: "127.0.0.1:${8080 + id}", smpp: "127.0.0.1:${2774 + id}"${more} }\n`
const REST = 'accounts: { resident: { systemId: a, password: b } }\nsmsc: 127.0.0.1:2786\n'

function mistakes(text: string): string {
  try {
    parseNodesFile(text, 'nodes.yaml', () => ({ kind: 'plain' }))
    return 'none'
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

void t.test('the shipped example is read', t => {
  const file = parseNodesFile(readFileSync(EXAMPLE, 'utf8'), EXAMPLE)
  t.same(
    file.nodes.map(({ id, smpp }) => [id, smpp]),
    [
      [1, '127.0.0.1:2775'],
      [2, '127.0.0.1:2776'],
      [3, '127.0.0.1:2777'],
    ],
  )
  t.match(file.nodes[0]?.pidFile, /\/deploy\/example\/1\.pid$/, 'from the directory of the file')
  t.equal(file.accounts.roaming, null)
  t.end()
})

void t.test('a mistake names file, line, key and the nearest key', t => {
  t.equal(
    mistakes(`nodes:\n${NODE(1, ', pidfile: a')}${REST}`),
    'nodes.yaml:2:62: nodes[0].pidfile: unknown key; did you mean pidFile?',
  )
  t.match(mistakes(`nodes:\n${NODE(1)}${NODE(1)}${REST}`), 'nodes.yaml:3:7: nodes[1].id: node 1 is')
  t.match(mistakes(`nodes:\n${NODE(1, ', pause: x')}${REST}`), 'would stay paused')
  t.match(
    mistakes(`nodes:\n${NODE(1)}accounts: { resident: { systemId: a, password: b } }`),
    'load.to',
  )
  t.match(
    mistakes(`nodes:\n${NODE(1)}accounts: { resident: { systemId: a } }`),
    'expected password',
  )
  t.equal(mistakes(`nodes:\n${NODE(1)}${REST}`), 'none')
  t.end()
})

void t.test('secrets come from the environment or a file', t => {
  const text = `nodes:\n${NODE(1)}apiKeyFrom: { env: KEY }\n${REST}`
  const read = parseNodesFile(text, 'nodes.yaml', secret => ({ ...secret, value: 'opens' }))
  t.equal(read.nodes[0]?.apiKey, 'opens')
  t.match(mistakes(text.replace('env: KEY', 'env: KEY, file: k')), 'one of them')
  t.end()
})

void t.test('a drill says what a running cluster has not', t => {
  const why = (name: string, more: string, rest = REST): string | undefined => {
    const drill = DRILLS.find(drill => drill.name === name)
    return cannotRunOn(drill!, parseNodesFile(`nodes:\n${NODE(1, more)}${rest}`, 'nodes.yaml'))
  }
  const real = 'accounts: { resident: { systemId: a, password: b } }\nload: { to: "1" }\n'
  t.match(why('partition-leader', ''), 'a network that is its own to break')
  t.match(why('host-dead', ', kill: k, start: s'), 'a network that is its own to break')
  t.match(why('slow-disk', ''), 'preload inside the nodes')
  t.match(why('snapshot-catch-up', ''), 'preload inside the nodes')
  t.match(why('full-disk', ''), 'set up for it')
  t.match(why('balancer-failover', ''), 'set up for it')
  t.match(
    why('leader-kill', ', pidFile: p'),
    'node 1 cannot be broken so: give pidFile or kill, and start',
  )
  t.equal(why('leader-kill', ', kill: k, start: s'), undefined)
  t.match(why('leader-pause', ', kill: k, start: s'), 'pause and continue')
  t.equal(why('rolling-restart', ', pidFile: p, start: s'), undefined)
  t.match(why('smsc-outage', '', real), 'must be our simulator')
  t.equal(why('smsc-outage', ''), undefined)
  t.end()
})

void t.test(
  'nothing is sent where the cluster does not answer, or nodes.yaml is wrong',
  async t => {
    const io = recordingIo()
    const perform = (): never => t.fail('no drill begins') as never
    const world = { io, drills: DRILLS, perform }
    const out = t.testdir({
      'wrong.yaml': 'nodes: []\n',
      'gone.yaml': `nodes:\n  - { id: 1, http: "127.0.0.1:1", smpp: "127.0.0.1:1", kill: k, start: s }\n${REST}`,
    })
    const run = (file: string): Promise<number> =>
      main(['run', 'leader-kill', '--out', out, '--cluster', `${out}/${file}`, '--yes'], world)
    t.equal(await run('missing.yaml'), 2)
    t.match(io.noted.at(-1), /missing\.yaml: there is no such file/)
    t.equal(await run('wrong.yaml'), 2)
    t.match(io.noted.at(-1), /wrong\.yaml:1:1: nodes: expected a list of nodes of at least 1/)
    t.equal(await run('gone.yaml'), 3)
    t.match(io.noted.at(-1), /node 1 does not answer at http:\/\/127\.0\.0\.1:1/)
  },
)
