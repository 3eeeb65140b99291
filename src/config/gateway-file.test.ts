import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ConfigError } from './file-error.js'
import { parseGatewayFile } from './gateway-file.js'
import { loadGatewayFile, loadNodeFile, resolveSecret } from './load.js'
import { unsafeReasons } from './safety.js'

const parse = (text: string, directory: string | null = '/etc/carillon') =>
  parseGatewayFile(text, { file: 'gateway.yaml', directory })

function mistakes(text: string, directory: string | null = '/etc/carillon'): string[] {
  try {
    parse(text, directory)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n')
    throw error
  }
  return []
}

const LEAST = `
accounts:   [{ systemId: esme1, password: secret1 }]
connectors: [{ id: smsc-a, host: 127.0.0.1, password: secret }]
routes:     [{ name: default, to: [smsc-a] }]
moRoutes:   [{ name: all, to: esme1 }]
`

void t.test('what is left out gets the documented defaults', async t => {
  const { settings, warnings } = parse(LEAST)
  t.same(warnings, [])
  t.same(settings, {
    accounts: [
      {
        systemId: 'esme1',
        password: { kind: 'plain', value: 'secret1' },
        bindTypes: ['trx', 'tx', 'rx'],
        maxSessions: 10,
        window: 100,
        throughputPerSecond: null,
        allowFrom: [],
        queueLimit: 10_000_000,
        moLimit: 100_000,
        receiptLimit: 10_000_000,
        receiptTtlMs: 259_200_000,
        resubmissionWindowMs: 0,
        messageIdStyle: 'long',
      },
    ],
    connectors: [
      {
        id: 'smsc-a',
        host: '127.0.0.1',
        port: 2776,
        systemId: 'carillon',
        password: { kind: 'plain', value: 'secret' },
        systemType: '',
        bindType: 'trx',
        binds: 1,
        window: 100,
        throughputPerSecond: null,
        inDoubt: { kind: 'wait', ms: 30_000 },
        nodes: [],
        localAddress: null,
        tls: null,
        messageIdFormat: { submit: 'text', receipt: 'text' },
        errors: {},
        enquireLinkMs: 30_000,
        responseTimeoutMs: 10_000,
        bindTimeoutMs: 10_000,
      },
    ],
    routes: [
      {
        name: 'default',
        match: { destinationPrefix: '', sourcePrefix: '', account: null },
        to: ['smsc-a'],
      },
    ],
    moRoutes: [
      {
        name: 'all',
        match: { connector: null, destinationPrefix: '', sourcePrefix: '' },
        to: 'esme1',
      },
    ],
    retentionMs: 3_600_000,
    validityMs: 259_200_000,
  })
})

void t.test('the file of the design is read as it stands there', async t => {
  const { settings } = parse(`
accounts:   [{ systemId: esme1, password: secret1, bindTypes: [trx, tx, rx], maxSessions: 10,
               window: 100, throughput: 500/s, allowFrom: [127.0.0.0/8], queueLimit: 10000000,
               moLimit: 100000, receiptTtl: 3d, resubmissionWindow: 0s, messageIdStyle: long }]
connectors: [{ id: smsc-a, host: 127.0.0.1, port: 2776, systemId: carillon, password: secret,
               bindType: trx, binds: 2, window: 100, throughput: 1000/s, inDoubt: wait 30s,
               nodes: [1, 2, 3], localAddress: null,
               messageIdFormat: {submit: hex, receipt: dec} }]
routes:     [{ name: default, match: { destination: { prefix: "" } }, to: [smsc-a] }]
moRoutes:   [{ name: all, match: { connector: smsc-a, destination: { prefix: "" } }, to: esme1 }]
`)
  t.match(settings.accounts[0], { throughputPerSecond: 500, allowFrom: ['127.0.0.0/8'] })
  t.match(settings.connectors[0], {
    throughputPerSecond: 1000,
    nodes: [1, 2, 3],
    localAddress: null,
    messageIdFormat: { submit: 'hex', receipt: 'dec' },
  })
})

void t.test('a distribution list: what it has where the file says no more', t => {
  const { settings } = parse(
    `${LEAST}distributionLists: [{ name: staff, members: ["4917", ACME] }]`,
  )
  t.same(settings.distributionLists, [
    { name: 'staff', account: null, ton: 1, npi: 1, members: ['4917', 'ACME'] },
  ])
  t.end()
})

void t.test('other hosts of a connector, and pairs', t => {
  const { settings } = parse(
    'connectors: [{ id: a, host: h, password: "", bindType: tx+rx, otherHosts: ["[::1]:2777", i:2776] }]',
  )
  t.match(settings.connectors[0], {
    bindType: 'tx+rx',
    otherHosts: [
      { host: '::1', port: 2777 },
      { host: 'i', port: 2776 },
    ],
  })
  t.end()
})

void t.test('validityPeriod: asGiven is the same as nothing', async t => {
  const text = (more: string) => `connectors: [{ id: a, host: h, password: ""${more} }]`
  const of = (more: string) => parse(text(more)).settings.connectors[0]!
  t.notOk('validityPeriod' in of(''), 'absent: settings from before it was there stay the same')
  t.same(of(', validityPeriod: asGiven'), of(''))
  t.equal(of(', validityPeriod: strip').validityPeriod, 'strip')
  t.match(mistakes(text(', validityPeriod: none')), [
    /:1:.*validityPeriod: expected one of asGiven, strip, not none/,
  ])
})

void t.test('long messages: as given, and a receipt for each part, are the same as nothing', t => {
  const of = (more: string) =>
    parse(`connectors: [{ id: a, host: h, password: ""${more} }]`).settings.connectors[0]!
  t.same(of(', longMessages: asGiven, partReceipts: each'), of(''))
  t.match(of(', longMessages: sar, partReceipts: one'), {
    longMessages: 'sar',
    partReceipts: 'one',
  })
  t.end()
})

void t.test('alphabets: none of the usual ones is in the settings', t => {
  const text = (account: string, connector: string) =>
    `accounts: [{ systemId: a, password: p${account} }]
connectors: [{ id: c, host: h, password: p${connector} }]
routes: [{ name: r, to: [c] }]`
  const usual = parse(text(', defaultAlphabet: gsm7', ', otherCharacters: ucs2')).settings
  t.same(usual, parse(text('', '')).settings)
  t.notOk('defaultAlphabet' in usual.accounts[0]!)
  const { settings } = parse(
    text(
      ', defaultAlphabet: latin1',
      ', defaultAlphabet: gsm7-packed, otherCharacters: questionMark',
    ),
  )
  t.equal(settings.accounts[0]?.defaultAlphabet, 'latin1')
  t.match(settings.connectors[0], {
    defaultAlphabet: 'gsm7-packed',
    otherCharacters: 'questionMark',
  })
  t.throws(() => parse(text(', defaultAlphabet: gsm', '')), /one of gsm7, gsm7-packed, latin1, ia5/)
  t.end()
})

void t.test(
  'TLS of a connector: paths count from the file, and a key comes with its certificate',
  async t => {
    const text = (tls: string) => `connectors: [{ id: a, host: h, password: "", tls: ${tls} }]`
    const of = (tls: string) => parse(text(tls)).settings.connectors[0]?.tls
    const none = { ca: null, serverName: null, cert: null, key: null }
    t.same(of('{}'), none, 'the CAs of Node.js, the name of the host')
    t.equal(of('null'), null)
    t.same(of('{ ca: /ca.pem, serverName: smsc.example, cert: c.pem, key: k.pem }'), {
      ca: '/ca.pem',
      serverName: 'smsc.example',
      cert: '/etc/carillon/c.pem',
      key: '/etc/carillon/k.pem',
    })
    t.match(mistakes(text('{ cert: c.pem }')), [/:1:.*tls\.key: is missing: a certificate and its/])
    t.match(mistakes(text('{ rejectUnauthorised: false }')), [/:1:.*tls.rejectUnauthorised: /])
  },
)

void t.test('an empty file, and empty lists, are settings too', async t => {
  t.same(parse('').settings.accounts, [])
  t.same(parse('accounts:\nroutes:\n').settings.routes, [])
})

void t.test('digits are text where text belongs: zeros stay', async t => {
  const { settings } = parse(`
accounts: [{ systemId: 007, password: 0123 }]
connectors: [{ id: a, host: h, password: null }]
routes: [{ name: r, match: { destination: { prefix: 0049 } }, to: [a] }]`)
  t.equal(settings.accounts[0]?.systemId, '007')
  t.same(settings.accounts[0]?.password, { kind: 'plain', value: '0123' })
  t.equal(settings.routes[0]?.match.destinationPrefix, '0049')
})

for (const [written, expected] of [
  ['resend', { kind: 'resend' }],
  ['hold', { kind: 'hold' }],
  ['wait 30s', { kind: 'wait', ms: 30_000 }],
  ['wait 500ms', { kind: 'wait', ms: 500 }],
] as const) {
  void t.test(`inDoubt: ${written}`, async t => {
    const text = `connectors: [{ id: a, host: h, password: "", inDoubt: ${written} }]`
    t.same(parse(text).settings.connectors[0]?.inDoubt, expected)
  })
}

for (const { title, text, expected } of [
  {
    title: 'an unknown key in a list item',
    text: 'accounts:\n  - systemId: a\n    password: b\n    windw: 5\n',
    expected: ['gateway.yaml:4:5: accounts[0].windw: unknown key; did you mean window?'],
  },
  {
    title: 'wrong values of every kind',
    text: `
accounts:
  - systemId: a
    password: b
    throughput: fast
    receiptTtl: 3
    allowFrom: [10.0.0.0/99]
    bindTypes: [trx, xx]
    maxSessions: -1`,
    expected: [
      /:5:5: accounts\[0\].throughput: expected a rate such as 500\/s, or unlimited, not fast/,
      /:6:5: accounts\[0\].receiptTtl: expected a duration .*, not 3/,
      /:7:17: accounts\[0\].allowFrom\[0\]: expected an address range .*, not 10.0.0.0\/99/,
      /:8:22: accounts\[0\].bindTypes\[1\]: expected one of trx, tx, rx, not xx/,
      /:9:5: accounts\[0\].maxSessions: expected a whole number/,
    ],
  },
  {
    title: 'a rate of nothing is refused: unlimited is a word (PITFALLS 16)',
    text: 'accounts: [{ systemId: a, password: b, throughput: 0/s }]',
    expected: [/expected a rate such as 500\/s, or unlimited, not 0\/s/],
  },
  {
    title: 'names used twice',
    text: 'accounts:\n- { systemId: a, password: b }\n- { systemId: a, password: b }\nroutes: []',
    expected: [/:3:5: accounts\[1\].systemId: a is used already, in line 2/],
  },
  {
    title: 'routes to what is not there, with the nearest',
    text: LEAST.replace('to: [smsc-a]', 'to: [smsc-b]').replace('to: esme1', 'to: esme2'),
    expected: [
      /routes\[0\].to\[0\]: no connector smsc-b; did you mean smsc-a\?/,
      /moRoutes\[0\].to: no account esme2; did you mean esme1\?/,
    ],
  },
  {
    title: 'a route to a connector that only receives',
    text: LEAST.replace('{ id: smsc-a,', '{ id: smsc-a, bindType: rx,'),
    expected: [/routes\[0\].to\[0\]: connector smsc-a has receivers only \(bindType: rx\)/],
  },
  {
    title: 'an account that is inactive before it is asked',
    text: 'accounts: [{ systemId: a, password: p, enquireLinkMs: 5000, inactivityTimeoutMs: 5000 }]\nroutes: []',
    expected: [/accounts\[0\].inactivityTimeoutMs: expected more than enquireLinkMs/],
  },
  {
    title: 'a host that is listed twice',
    text: 'connectors: [{ id: a, host: h, password: p, otherHosts: ["i:1", "h:2776"] }]',
    expected: [/connectors\[0\].otherHosts\[1\]: h:2776 is listed twice/],
  },
  {
    title: 'a system_id beyond 15 octets (SMPP 3.4 §5.2.1)',
    text: 'connectors: [{ id: a, host: h, password: p, systemId: sixteen-octets-x }]',
    expected: [/connectors\[0\].systemId: sixteen-octets-x has 16 octets; SMPP carries at most 15/],
  },
  {
    title: 'a password that is missing, doubled or masked',
    text: `
accounts:
  - { systemId: a }
  - { systemId: b, password: x, passwordFrom: { env: Y } }
  - { systemId: c, password: "***" }
routes: []`,
    expected: [/:3:5: .*is missing/, /:4:20: .*is given twice/, /:5:20: .*is the mask/],
  },
  {
    title: 'an error table with a wrong name or word',
    text: 'connectors: [{ id: a, host: h, password: p, errors: { SUBMITFAIL: temporary } }]',
    expected: [/errors.SUBMITFAIL: expected a command_status such as ESME_RSUBMITFAIL/],
  },
  {
    title: 'distribution lists that cannot be told apart, are nobody’s, or too long',
    text: `
accounts: [{ systemId: a, password: b }]
distributionLists:
  - { name: staff, members: ["1"] }
  - { name: staff, account: a, members: ["1", "2", "1"] }
  - { name: staff, members: ["1"] }
  - { name: other, account: c, members: ["1"] }`,
    expected: [
      /:5:.* distributionLists\[1\].members\[2\]: 1 is listed twice/,
      /:6:.* distributionLists\[2\].name: staff is used already, in line 4/,
      /:7:.* distributionLists\[3\].account: no account c/,
    ],
  },
  {
    title: 'a distribution list that is empty, one that is too long, and a name of 21 octets',
    text: `distributionLists:
- { name: a, members: [] }
- { name: b, members: [${Array.from({ length: 255 }, (_, i) => i).join()}] }
- { name: ${'c'.repeat(21)}, members: ["1"] }`,
    expected: [
      /distributionLists\[0\].members: expected a list of addresses of at least 1/,
      /distributionLists\[1\].members: expected a list of addresses of at most 254/,
      /distributionLists\[2\].name: expected text of 1 to 20 octets/,
    ],
  },
  {
    title: 'more members in all than a revision holds',
    text: `distributionLists:\n${Array.from(
      { length: 80 },
      (_, n) => `- { name: n${n}, members: [${Array.from({ length: 254 }, (_, i) => i).join()}] }`,
    ).join('\n')}`,
    expected: [/distributionLists: 20320 members in all; at most 20000/],
  },
  {
    title: 'a route that leads nowhere',
    text: 'routes: [{ name: r, to: [] }]',
    expected: [/routes\[0\].to: expected a list of connectors of at least 1/],
  },
]) {
  void t.test(`a mistake: ${title}`, async t => {
    t.match(mistakes(text), expected)
    t.equal(mistakes(text).length, expected.length)
  })
}

void t.test('no message shows a password', async t => {
  const long = 'hunter2'.repeat(100)
  for (const text of [
    'accounts: [{ systemId: a, password: [hunter2] }]',
    'accounts: { systemId: a, password: hunter2 }',
    `accounts: [{ systemId: a, password: ${long} }]`,
  ]) {
    t.equal(mistakes(text).length, 1)
    t.notMatch(mistakes(text).join(), /hunter2/)
  }
})

void t.test('a password longer than SMPP 3.4 carries is a warning', async t => {
  const { warnings } = parse('connectors: [{ id: a, host: h, password: ninechars }]')
  t.match(warnings, [{ line: 1, key: 'connectors[0].password', message: /at most 8/ }])
})

void t.test('passwordFrom names a variable or a file', async t => {
  const directory = t.testdir({ 'pw.txt': 'secret\n' })
  const { settings } = parse(
    `accounts:
  - { systemId: a, passwordFrom: { env: ESME_A } }
  - { systemId: b, passwordFrom: { file: pw.txt } }
routes: []`,
    directory,
  )
  const [a, b] = settings.accounts.map(account => account.password)
  t.same(resolveSecret(a!, { ESME_A: 'x' }), { kind: 'plain', value: 'x' })
  t.throws(() => resolveSecret(a!, {}), /ESME_A is not set/)
  t.same(resolveSecret(b!), { kind: 'plain', value: 'secret' })
})

void t.test('over HTTP a relative path is refused: whose would it be?', async t => {
  const text = 'accounts: [{ systemId: b, passwordFrom: { file: pw.txt } }]'
  t.match(mistakes(text, null), [/expected an absolute path/])
})

void t.test('aliases cannot blow a small file up', async t => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef'])
    bomb.push(`${to!}: &${to!} [${Array.from({ length: 9 }, () => `*${from!}`).join(',')}]`)
  t.match(mistakes(bomb.join('\n')), [/alias/i])
})

void t.test('the shipped example has no mistake', async t => {
  const example = fileURLToPath(new URL('../../../deploy/example/', import.meta.url))
  const { settings, warnings } = loadGatewayFile(`${example}gateway.yaml`)
  t.match(settings, { accounts: { length: 1 }, connectors: { length: 1 }, routes: { length: 1 } })
  t.same(warnings, [])
  for (const id of [1, 2, 3]) {
    const { config } = loadNodeFile(`${example}node-${id}.yaml`, {})
    t.equal(config.node.id, id)
    t.equal(config.gateway, `${example}gateway.yaml`)
    t.same(unsafeReasons(config), [])
  }
})

void t.test('outbind: where an ESME is called, with a password of ours', async t => {
  const text = (outbind: string, more = '') =>
    `accounts: [{ systemId: a, password: x, outbind: ${outbind}${more} }]`
  const of = (outbind: string) => parse(text(outbind)).settings.accounts[0]
  t.notOk('outbind' in of('null')!, 'absent: settings from before there was one stay the same')
  t.same(of('{ host: h, port: 9000, password: p }')?.outbind, {
    host: 'h',
    port: 9000,
    systemId: 'carillon',
    password: { kind: 'plain', value: 'p' },
    tls: null,
  })
  t.same(of('{ host: h, port: 1, systemId: us, passwordFrom: { env: P } }')?.outbind?.password, {
    kind: 'env',
    name: 'P',
  })
  t.match(mistakes(text('{ host: h, port: 1 }')), [/outbind\.password: is missing/])
  t.match(mistakes(text('{ host: h, password: p }')), [/outbind\.port/])
  t.match(mistakes(text('{ host: h, port: 1, password: p, tls: { key: k } }')), [
    /outbind\.tls\.cert: is missing/,
  ])
  t.match(mistakes(text('{ host: h, port: 1, password: p }', ', bindTypes: [tx]')), [
    /outbind: asks for a receiver session/,
  ])
})

void t.test('bans: off, or what is left out of them by default', async t => {
  t.notOk('bans' in parse('').settings, 'absent: settings from before there were any stay the same')
  t.same(parse('bans: {}').settings.bans, { failures: 20, withinMs: 600_000, forMs: 900_000 })
  t.same(parse('bans: { failures: 5, within: 1m, for: 1h }').settings.bans, {
    failures: 5,
    withinMs: 60_000,
    forMs: 3_600_000,
  })
  t.match(mistakes('bans: { failures: 1, for: ever, after: 3 }'), [
    /bans.failures: expected a whole number from 2 to 1000, not 1/,
    /bans.for: expected a duration .*, not ever/,
    /bans.after: unknown key/,
  ])
})

void t.test('tooManySessions: ESME_RALYBND is the same as nothing', async t => {
  const text = (more: string) => `accounts: [{ systemId: a, password: x${more} }]`
  const of = (more: string) => parse(text(more)).settings.accounts[0]!
  t.notOk('tooManySessions' in of(''), 'absent: settings from before it was there stay the same')
  t.same(of(', tooManySessions: ESME_RALYBND'), of(''))
  t.equal(of(', tooManySessions: ESME_RBINDFAIL').tooManySessions, 'ESME_RBINDFAIL')
  t.match(mistakes(text(', tooManySessions: ESME_RTHROTTLED')), [
    /:1:.*tooManySessions: expected one of ESME_RALYBND, ESME_RBINDFAIL, not ESME_RTHROTTLED/,
  ])
})

void t.test('transactionTimeout: 30s is the same as nothing', async t => {
  const text = (more: string) => `accounts: [{ systemId: a, password: x${more} }]`
  const of = (more: string) => parse(text(more)).settings.accounts[0]!
  t.notOk('transactionTimeoutMs' in of(''), 'absent: settings from before it was there stay')
  t.same(of(', transactionTimeout: 30s'), of(''))
  t.equal(of(', transactionTimeout: 2s').transactionTimeoutMs, 2000)
  t.equal(mistakes(text(', transactionTimeout: 1ms')).length, 1)
})

void t.test('longMo: asGiven and longMoTimeout: 60s are the same as nothing', async t => {
  const text = (more: string) => `accounts: [{ systemId: a, password: x${more} }]`
  const of = (more: string) => parse(text(more)).settings.accounts[0]!
  t.notOk('longMo' in of(''), 'absent: settings from before it was there stay')
  t.same(of(', longMo: asGiven, longMoTimeout: 1m'), of(''))
  t.match(of(', longMo: whole, longMoTimeout: 90s'), { longMo: 'whole', longMoTimeoutMs: 90_000 })
  t.equal(mistakes(text(', longMo: joined')).length, 1)
  t.equal(mistakes(text(', longMoTimeout: 10ms')).length, 1)
})

void t.test('enabled: false stays, and true is the same as nothing', async t => {
  const of = (more: string) =>
    parse(`accounts: [{ systemId: a, password: x${more} }]`).settings.accounts[0]!
  t.notOk('enabled' in of(''), 'absent: settings from before it was there stay the same')
  t.same(of(', enabled: true'), of(''))
  t.equal(of(', enabled: false').enabled, false)
  t.equal(Object.keys(of(', enabled: false')).at(-1), 'enabled', 'where disable puts it')
})

const TLVS = `
tlvs:
  - { name: campaign, tag: 0x1401, type: cstring, min: 2, max: 21 }
  - { name: cost, tag: 5122, type: uint32, directions: [fromSmscs, toEsmes] }
`

void t.test('TLVs of vendors, and what is done with them', async t => {
  const { settings } = parse(`${TLVS}
accounts: [{ systemId: a, password: b, tlvs: { from: { campaign: require }, to: { cost: strip } } }]
connectors: [{ id: c, host: h, password: p, tlvs: { to: { campaign: strip } } }]
routes: [{ name: r, to: [c] }]`)
  t.same(settings.tlvs, [
    { name: 'campaign', tag: 0x1401, type: 'cstring', min: 2, max: 21 },
    {
      name: 'cost',
      tag: 0x1402,
      type: 'uint32',
      min: 4,
      max: 4,
      directions: ['fromSmscs', 'toEsmes'],
    },
  ])
  t.same(settings.accounts[0]?.tlvs, { from: { campaign: 'require' }, to: { cost: 'strip' } })
  t.same(settings.connectors[0]?.tlvs, { to: { campaign: 'strip' } })
  const none = parse(`${LEAST}tlvs: []`).settings
  t.same(none, parse(LEAST).settings, 'absent: settings from before there were any stay the same')
})

void t.test('mistakes in TLVs name their place', async t => {
  t.match(
    mistakes(`tlvs:
  - { name: a, tag: 0x0424, type: octets }
  - { name: a, tag: 0x1401, type: text }
  - { name: b, tag: 0x14011, type: octets }
  - { name: c, tag: 0x1402, type: octets, length: 5, directions: [toSmsc] }`),
    [
      /:3:.*tlvs\[1\].type: expected one of uint8, uint16, uint32, uint64, cstring, octets, not text/,
      /:4:.*tlvs\[2\].tag: expected a tag such as 0x1401, not 0x14011/,
      /:5:.*tlvs\[3\].length: unknown key/,
      /:5:.*tlvs\[3\].directions\[0\]: expected one of fromEsmes, toSmscs, .*, not toSmsc/,
    ],
  )
  t.match(
    mistakes(`tlvs:
  - { name: a, tag: 0x0424, type: octets }
  - { name: a, tag: 0x1401, type: octets }
  - { name: b, tag: 0x1401, type: uint16, max: 4 }
  - { name: c, tag: 0x1402, type: cstring, min: 0 }
  - { name: d, tag: 0x1403, type: octets, min: 9, max: 8 }`),
    [
      /:2:.*tlvs\[0\].tag: 0x0424 is message_payload of the standard, not a vendor's/,
      /:3:.*tlvs\[1\].name: a is used already, in line 2/,
      /:4:.*tlvs\[2\].tag: 0x1401 is used already, in line 3/,
      /:4:.*tlvs\[2\].max: a uint16 has 2 octets, not 4/,
      /:5:.*tlvs\[3\].min: a cstring has 1 to 65535 octets, not 0/,
      /:6:.*tlvs\[4\].max: expected at least min, which is 9/,
    ],
  )
  const rules = (of: string) =>
    mistakes(`${TLVS}
accounts: [{ systemId: a, password: b, tlvs: ${of} }]
connectors: [{ id: c, host: h, password: p }]
routes: [{ name: r, to: [c] }]`)
  t.match(rules('{ from: { campain: require } }'), [
    /:6:.*accounts\[0\].tlvs.from.campain: no TLV of that name in tlvs; did you mean campaign\?/,
  ])
  t.match(rules('{ from: { cost: strip } }'), [
    /tlvs.from.cost: its directions in tlvs are fromSmscs, toEsmes/,
  ])
  t.match(rules('{ to: { campaign: require } }'), [
    /:6:.*tlvs.to.campaign: expected one of allow, strip, not require/,
  ])
  t.match(rules('{ form: { campaign: require } }'), [/tlvs.form: unknown key; did you mean from\?/])
})

void t.test('throughputCounts: the default is the same as nothing', async t => {
  const accounts = (more: string) => `accounts: [{ systemId: a, password: b${more} }]`
  const connectors = (more: string) => `connectors: [{ id: a, host: h, password: ""${more} }]`
  for (const { of, usual, other, all } of [
    { of: accounts, usual: 'destinations', other: 'pdus', all: 'pdus, segments, destinations' },
    { of: connectors, usual: 'pdus', other: 'segments', all: 'pdus, segments' },
  ]) {
    const read = (more: string) => parse(of(more)).settings
    t.same(read(`, throughputCounts: ${usual}`), read(''))
    const { accounts, connectors } = read(`, throughputCounts: ${other}`)
    t.equal((accounts[0] ?? connectors[0])?.throughputCounts, other)
    const [mistake = ''] = mistakes(of(', throughputCounts: octets'))
    t.ok(mistake.includes(`throughputCounts: expected one of ${all}, not octets`), mistake)
  }
  t.match(mistakes(connectors(', throughputCounts: destinations')), [
    /expected one of pdus, segments, not destinations/,
  ])
})

void t.test('20,000 members of distribution lists in all are taken, and not one more', async t => {
  const lists = (last: number): string =>
    [...Array.from({ length: 78 }, () => 254), last]
      .map((count, n) => `- { name: n${n}, members: [${[...Array(count).keys()].join()}] }`)
      .join('\n')
  const { settings } = parse(`distributionLists:\n${lists(188)}`)
  t.equal(
    settings.distributionLists?.reduce((sum, { members }) => sum + members.length, 0),
    20_000,
  )
  t.match(mistakes(`distributionLists:\n${lists(189)}`), [/20001 members in all; at most 20000/])
})
