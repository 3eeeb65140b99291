import t from 'tap'
import { ConfigError } from './file-error.js'
import { parseNodeFile } from './node-file.js'

const parse = (text: string, environment: NodeJS.ProcessEnv = {}) =>
  parseNodeFile(text, { file: '/etc/carillon/n1.yaml', environment, exists: () => false })

/** The messages of a file that cannot be used. */
function mistakes(text: string, environment: NodeJS.ProcessEnv = {}): string[] {
  try {
    parse(text, environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  return []
}

void t.test('an empty file is a cluster of one with the documented defaults', async t => {
  const { config, warnings } = parse('')
  t.match(config, {
    node: { id: 1, dataDir: '/etc/carillon/data/1', secretKeyFile: null },
    cluster: {
      listen: '127.0.0.1:7101',
      peers: [{ id: 1, address: '127.0.0.1:7101' }],
      tls: null,
      heartbeatMs: 50,
      electionTimeoutMs: 500,
    },
    smpp: {
      listen: { host: '127.0.0.1', port: 2775 },
      tls: null,
      submitTimeoutMs: 5000,
      proxyProtocol: 'off',
      trustedProxies: [],
    },
    http: { listen: { host: '127.0.0.1', port: 8081 }, apiKeys: [] },
    gateway: null,
    insecure: false,
  })
  t.same(warnings, [])
})

void t.test('more listeners: what one leaves out is as the first has it, but for TLS', async t => {
  t.same(parse('').config.smpp.listeners, [])
  const { config, warnings } = parse(`
smpp:
  tls: { listen: 127.0.0.1:3550, cert: c.pem, key: k.pem, ca: null }
  trustedProxies: [10.0.0.0/8]
  allowFrom: [192.0.2.0/24]
  connectionsMax: 500
  connectionsPerAddressMax: 50
  listeners:
    - { listen: 127.0.0.1:3775 }
    - listen: 127.0.0.1:3776
      tls: { cert: other.pem, key: k.pem, ca: ca.pem }
      proxyProtocol: require
      trustedProxies: []
      allowFrom: []
      connectionsMax: 5
      connectionsPerAddressMax: null`)
  const first = {
    proxyProtocol: 'off',
    trustedProxies: ['10.0.0.0/8'],
    allowFrom: ['192.0.2.0/24'],
    connectionsMax: 500,
    connectionsPerAddressMax: 50,
  }
  t.match(config.smpp, first)
  t.same(config.smpp.listeners, [
    { listen: { host: '127.0.0.1', port: 3775 }, tls: null, ...first },
    {
      listen: { host: '127.0.0.1', port: 3776 },
      tls: {
        cert: '/etc/carillon/other.pem',
        key: '/etc/carillon/k.pem',
        ca: '/etc/carillon/ca.pem',
      },
      proxyProtocol: 'require',
      trustedProxies: [],
      allowFrom: [],
      connectionsMax: 5,
      connectionsPerAddressMax: null,
    },
  ])
  t.match(warnings, [/^smpp.listeners\[1\].trustedProxies is empty/])
  const environment = {
    CARILLON_SMPP_LISTENERS: '[{"listen":"127.0.0.1:4775"}]',
  }
  const given = parse('', environment)
  t.match(given.config.smpp.listeners, [{ listen: { port: 4775 } }])
  t.equal(given.config.smpp.listeners.length, 1)
  t.same(
    mistakes(`smpp:
  listen: 127.0.0.1:1
  tls: { listen: 127.0.0.1:2, cert: c, key: k }
  listeners: [{ listen: 127.0.0.1:2 }, { listen: 127.0.0.1:0 }, { listen: 127.0.0.1:0 }]`),
    [
      '/etc/carillon/n1.yaml:4:17: smpp.listeners[0].listen: 127.0.0.1:2 is used already, by smpp.tls.listen',
    ],
  )
  t.match(mistakes('smpp: { listeners: [{ lisen: 127.0.0.1:1, allowFrom: [x] }] }'), [
    /listeners\[0\].listen: is missing/,
    /listeners\[0\].lisen: unknown key; did you mean listen/,
    /listeners\[0\].allowFrom\[0\]: expected an address range/,
  ])
})

void t.test('gateway.yaml beside the node file is found, and outranked by a path', async t => {
  const options = { file: '/etc/carillon/n1.yaml', environment: {}, exists: () => true }
  t.equal(parseNodeFile('', options).config.gateway, '/etc/carillon/gateway.yaml')
  t.equal(parseNodeFile('gateway: ../g.yaml', options).config.gateway, '/etc/g.yaml')
})

void t.test('a full file is read, in flow and block style', async t => {
  const { config } = parse(`
node:     { id: 2, dataDir: ./data/2, secretKeyFile: secret.key }
cluster:
  listen: "[::1]:7102"
  peers: [{id: 1, address: 10.0.0.1:7101}, {id: 2, address: "[::1]:7102"}]
  tls: { cert: c.pem, key: /k.pem, ca: ca.pem }
smpp:
  tls: { listen: 0.0.0.0:3550, cert: c.pem, key: k.pem, ca: null }
  proxyProtocol: require
  trustedProxies: [10.0.0.0/8]
  pduOctetsMax: 128KiB
http: { apiKeys: [0123456789] }
insecure: true
`)
  t.equal(config.node.dataDir, '/etc/carillon/data/2')
  t.same(config.cluster.tls, {
    cert: '/etc/carillon/c.pem',
    key: '/k.pem',
    ca: '/etc/carillon/ca.pem',
  })
  t.same(config.cluster.peers[1], { id: 2, address: '[::1]:7102' })
  t.same(config.smpp.tls?.listen, { host: '0.0.0.0', port: 3550 })
  t.equal(config.smpp.pduOctetsMax, 131_072)
  t.same(config.http.apiKeys, ['0123456789'], 'digits stay text, zeros and all')
})

for (const { title, text, expected } of [
  {
    title: 'an unknown key names file, line, key and the nearest known key',
    text: 'node: { id: 1 }\ncluster:\n  heartbeetMs: 20\n',
    expected: [
      '/etc/carillon/n1.yaml:3:3: cluster.heartbeetMs: unknown key; did you mean heartbeatMs?',
    ],
  },
  {
    title: 'every unknown key is named, in the order of the file',
    text: 'htp: {}\nnode: { idd: 1 }\n',
    expected: [
      /:1:1: htp: unknown key; did you mean http\?/,
      /:2:9: node.idd: unknown key; did you/,
    ],
  },
  {
    title: 'a key far from all known ones lists them',
    text: 'http: { zzzzzzzz: 1 }',
    expected: [/http.zzzzzzzz: unknown key; known: listen, apiKeys/],
  },
  {
    title: 'a wrong value says what is expected',
    text: 'smpp:\n  submitTimeoutMs: soon\n  listen: 2775\n',
    expected: [
      /:2:3: smpp.submitTimeoutMs: expected a whole number from 100 to 600000, not soon/,
      /:3:3: smpp.listen: expected host:port, such as .*, not 2775/,
    ],
  },
  {
    title: 'a wrong word names the words',
    text: 'smpp: { proxyProtocol: on }',
    expected: [/smpp.proxyProtocol: expected one of off, accept, require, not on/],
  },
  {
    title: 'half a tls section names what is missing',
    text: 'cluster: { tls: { cert: a, key: b } }',
    expected: [/cluster.tls.ca: is missing: expected a path/],
  },
  {
    title: 'a scalar where a section belongs is no crash',
    text: 'cluster: 7',
    expected: [/:1:1: cluster: expected a mapping with the keys listen, peers/],
  },
  {
    title: 'a duplicate key is a mistake, with its place',
    text: 'node: { id: 1 }\nnode: { id: 2 }',
    expected: [/n1.yaml:2:1: Map keys must be unique/],
  },
  {
    title: 'a node must be among its peers',
    text: 'node: { id: 4 }\ncluster: { peers: [{ id: 1, address: a:1 }] }',
    expected: [/:2:12: cluster.peers: this node, 4, is not among them: 1/],
  },
  {
    title: 'peers have different ids and addresses',
    text: 'cluster: { peers: [{ id: 1, address: a:1 }, { id: 1, address: a:1 }] }',
    expected: [
      /cluster.peers\[1\].id: node 1 is listed twice/,
      /cluster.peers\[1\].address: a:1 is/,
    ],
  },
  {
    title: 'an election takes at least five heartbeats',
    text: 'cluster: { heartbeatMs: 200 }',
    expected: [/cluster.electionTimeoutMs: expected at least 5 heartbeats: 1000/],
  },
]) {
  void t.test(title, async t => {
    t.match(mistakes(text), expected)
    t.equal(mistakes(text).length, expected.length)
  })
}

void t.test('the environment wins, and lists are JSON', async t => {
  const { config, warnings } = parse('node: { id: 1 }\ncluster: { heartbeatMs: 50 }', {
    CARILLON_CLUSTER_HEARTBEAT_MS: '20',
    CARILLON_NODE_ID: '2',
    CARILLON_CLUSTER_PEERS: '[{"id": 2, "address": "b:7101"}, {"id": 1, "address": "a:7101"}]',
    CARILLON_HTTP_API_KEYS: '["k1", "k2"]',
    CARILLON_CLUSTER_TLS_CERT: '/c',
    CARILLON_CLUSTER_TLS_KEY: '/k',
    CARILLON_CLUSTER_TLS_CA: '/ca',
    CARILLON_LOG_LEVEL: 'debug',
    HOME: '/root',
  })
  t.equal(config.cluster.heartbeatMs, 20)
  t.equal(config.node.id, 2)
  t.same(
    config.cluster.peers.map(peer => peer.address),
    ['b:7101', 'a:7101'],
  )
  t.same(config.http.apiKeys, ['k1', 'k2'])
  t.same(config.cluster.tls, { cert: '/c', key: '/k', ca: '/ca' })
  t.same(warnings, [])
})

void t.test('a wrong value from the environment names the variable', async t => {
  t.match(mistakes('cluster: { heartbeatMs: 50 }', { CARILLON_CLUSTER_HEARTBEAT_MS: 'x' }), [
    /^environment: CARILLON_CLUSTER_HEARTBEAT_MS: expected a whole number/,
  ])
  t.match(mistakes('', { CARILLON_CLUSTER_PEERS: '[{"id": 1}]' }), [
    /^environment: CARILLON_CLUSTER_PEERS: is missing/,
  ])
})

void t.test('a variable that means nothing is a warning, with the nearest', async t => {
  const { warnings } = parse('', { CARILLON_CLUSTER_HEARTBEATMS: '20', CARILLON_FOO: '1' })
  t.match(warnings, [
    /HEARTBEATMS means nothing.*did you mean CARILLON_CLUSTER_HEARTBEAT_MS\?/,
    /^CARILLON_FOO means nothing to Carillon$/,
  ])
})
