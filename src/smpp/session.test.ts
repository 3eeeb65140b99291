import t from 'tap'
import { encodeBody } from './codec.js'
import { COMMAND_IDS, isBind, type CommandName, type RequestName } from './command-ids.js'
import { COMMAND_STATUS, statusName, type CommandStatus } from './command-status.js'
import type { FramedPdu } from './framing.js'
import {
  hasResponse,
  MATRIX_STATES,
  OF_ONE_VERSION,
  OPERATION_MATRIX,
  requestsFrom,
  type MatrixState,
  type Operation,
} from './operation-matrix.js'
import { step } from './session.js'
import {
  isBound,
  mayRequest,
  openSession,
  type Session,
  type SessionEffect,
  type SessionSide,
  type SessionState,
} from './session-state.js'
import { SMPP_VERSIONS, versionsOf } from './versions.js'
import { matrixTitle, ofOneVersionTitle } from './testing/titles.js'

const TIMES = {
  windowIn: 2,
  windowOut: 2,
  bindTimeoutMs: 10_000,
  enquireLinkMs: 30_000,
  inactivityTimeoutMs: 90_000,
  responseTimeoutMs: 10_000,
}
const BIND = encodeBody('bind_transceiver', { system_id: 'esme1', interface_version: 0x34 })

/** The session's own business: other tests. */
const OWN = new Set<RequestName>(['enquire_link', 'unbind'])

for (const side of ['smsc', 'esme'] as const) {
  for (const [name, { esme, smsc }] of Object.entries(OPERATION_MATRIX) as [
    RequestName,
    Operation,
  ][]) {
    if (OWN.has(name) || (side === 'esme' && OF_ONE_VERSION.has(name))) continue
    const states = side === 'smsc' ? esme : smsc
    void t.test(matrixTitle(name, side, states), t => {
      for (const state of [...MATRIX_STATES, 'UNBINDING'] as const) {
        const session = inState(side, state)
        session.interface_version = versionsOf(name)[0]!
        const effects = step(session, pdu(name, { body: bodyFor(name) }))
        const bound = state !== 'OPEN' && state !== 'UNBINDING'
        if ((states as readonly SessionState[]).includes(state)) {
          t.same(
            effects.map(({ kind }) => kind),
            ['request'],
            state,
          )
        } else if (!hasResponse(name)) {
          t.same(effects, [], `${state}: it has no response`)
        } else {
          const status = name.startsWith('bind_') && bound ? 'ESME_RALYBND' : 'ESME_RINVBNDSTS'
          t.same(sent(effects), [`${name}_resp ${status} 7`], state)
          t.equal(session.counters.wrongState, 1)
        }
      }
      t.end()
    })
  }
}

for (const name of OF_ONE_VERSION) {
  void t.test(ofOneVersionTitle(name), t => {
    const expected = [`${name}_resp ESME_RINVCMDID 7`]
    for (const state of [...MATRIX_STATES, 'UNBINDING'] as const) {
      t.same(sent(step(inState('esme', state), pdu(name))), expected, `SMSC, ${state}`)
      for (const version of SMPP_VERSIONS) {
        if (state === 'OPEN' || state === 'UNBINDING' || versionsOf(name).includes(version))
          continue
        const session = inState('smsc', state)
        session.interface_version = version
        t.same(sent(step(session, pdu(name))), expected, `${version}, ${state}`)
        t.equal(session.counters.unknownCommands, 1)
      }
    }
    t.end()
  })
}

void t.test('the matrix is the standard’s: table 2-1 of SMPP 3.4, with what 5.0 added', t => {
  const rows = (side: 'esme' | 'smsc', state: MatrixState): string[] =>
    [...requestsFrom(side)[state]].filter(name => !OWN.has(name as RequestName)).sort()
  const ancillary = ['cancel_sm', 'query_sm', 'replace_sm']
  const broadcasts = ['broadcast_sm', 'cancel_broadcast_sm', 'query_broadcast_sm']
  const submits = ['data_sm', 'submit_multi', 'submit_sm']
  const old = ['param_retrieve', 'query_last_msgs', 'query_msg_details']
  const binds = ['bind_receiver', 'bind_transceiver', 'bind_transmitter']
  t.same(rows('esme', 'OPEN'), binds)
  t.same(rows('esme', 'BOUND_TX'), [...ancillary, ...broadcasts, ...submits, ...old].sort())
  t.same(rows('esme', 'BOUND_RX'), [])
  t.same(rows('esme', 'BOUND_TRX'), [...ancillary, ...broadcasts, ...submits].sort())
  t.same(rows('smsc', 'OPEN'), ['outbind'])
  t.same(rows('smsc', 'BOUND_TX'), [])
  for (const state of ['BOUND_RX', 'BOUND_TRX'] as const) {
    t.same(rows('smsc', state), ['alert_notification', 'data_sm', 'deliver_sm'])
  }
  t.end()
})

for (const { state, command, expected } of [
  { state: 'OPEN', command: 'enquire_link', expected: 'enquire_link_resp ESME_ROK 7' },
  { state: 'BOUND_RX', command: 'enquire_link', expected: 'enquire_link_resp ESME_ROK 7' },
  { state: 'UNBINDING', command: 'enquire_link', expected: 'enquire_link_resp ESME_ROK 7' },
  { state: 'OPEN', command: 'unbind', expected: 'unbind_resp ESME_RINVBNDSTS 7' },
  { state: 'BOUND_TX', command: 'unbind', expected: 'unbind_resp ESME_ROK 7' },
  { state: 'BOUND_TX', command: 'bind_receiver', expected: 'bind_receiver_resp ESME_RALYBND 7' },
  {
    state: 'BOUND_TRX',
    command: 'bind_transceiver',
    expected: 'bind_transceiver_resp ESME_RALYBND 7',
  },
  { state: 'BOUND_TRX', command: 'outbind', expected: undefined },
  { state: 'BOUND_RX', command: 'submit_multi', expected: 'submit_multi_resp ESME_RINVBNDSTS 7' },
  { state: 'OPEN', command: 'broadcast_sm', expected: 'broadcast_sm_resp ESME_RINVBNDSTS 7' },
  {
    state: 'BOUND_TX',
    command: 'query_last_msgs',
    expected: 'query_last_msgs_resp ESME_RINVCMDID 7',
  },
] as { state: SessionState; command: CommandName; expected: string | undefined }[]) {
  void t.test(`${command} in ${state} is answered ${expected ?? 'nothing'}`, t => {
    t.equal(sent(step(inState('smsc', state), pdu(command)))[0], expected)
    t.end()
  })
}

void t.test('an unknown command_id is nacked with its own sequence_number, a response never', t => {
  const session = inState('smsc', 'BOUND_TRX')
  for (const sequence_number of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
    t.same(sent(step(session, raw(0x110, { sequence_number }))), [
      `generic_nack ESME_RINVCMDID ${sequence_number}`,
    ])
    t.same(sent(step(session, pdu('enquire_link', { sequence_number }))), [
      `enquire_link_resp ESME_ROK ${sequence_number}`,
    ])
  }
  t.same(step(session, raw(0x80000110)), [])
  t.same(step(session, pdu('submit_sm_resp')), [])
  t.same(step(session, pdu('generic_nack')), [])
  t.equal(session.counters.unmatchedResponses, 3)
  t.equal(session.state, 'BOUND_TRX')
  t.end()
})

void t.test('a bind towards us is answered by the user, and binds', t => {
  for (const [command, state] of [
    ['bind_transmitter', 'BOUND_TX'],
    ['bind_receiver', 'BOUND_RX'],
    ['bind_transceiver', 'BOUND_TRX'],
  ] as const) {
    const session = openSession('smsc', TIMES, 0)
    t.equal(step(session, pdu(command, { body: BIND }))[0]?.kind, 'request')
    t.same(sent(step(session, pdu('submit_sm'))), ['submit_sm_resp ESME_RINVBNDSTS 7'])
    t.same(sent(step(session, pdu(command, { body: BIND }))), [`${command}_resp ESME_RALYBND 7`])
    const effects = step(session, respond(command, 'ESME_ROK'))
    t.match(effects, [{ body: Buffer.from('0210000134', 'hex'), given: true }])
    t.equal(session.state, state)
    t.equal(session.boundAs, command)
  }
  t.end()
})

void t.test('the response of a bind names the version that both sides know', t => {
  for (const [interface_version, told] of [
    [0x00, undefined],
    [0x33, undefined],
    [0x34, '0210000134'],
    [0x4f, '0210000134'],
    [0x50, '0210000150'],
    [0x51, '0210000150'],
  ] as const) {
    const session = openSession('smsc', TIMES, 0)
    const body = encodeBody('bind_transmitter', { system_id: 'esme1', interface_version })
    step(session, pdu('bind_transmitter', { body }))
    const [response] = step(session, respond('bind_transmitter', 'ESME_ROK'))
    t.equal(response?.kind === 'send' ? response.body?.toString('hex') : 'none', told)
  }
  t.end()
})

void t.test('interface_version 0 in a bind_transceiver, which 3.3 has not, is 3.4', t => {
  for (const [interface_version, told, spoken] of [
    [0x00, '0210000134', 0x34],
    [0x33, undefined, 0x33],
  ] as const) {
    const session = openSession('smsc', TIMES, 0)
    const body = encodeBody('bind_transceiver', { system_id: 'esme1', interface_version })
    step(session, pdu('bind_transceiver', { body }))
    const [response] = step(session, respond('bind_transceiver', 'ESME_ROK'))
    t.equal(response?.kind === 'send' ? response.body?.toString('hex') : 'none', told)
    t.equal(session.interface_version, spoken)
  }
  t.end()
})

void t.test('a refused bind leaves the session open, for another try', t => {
  const session = openSession('smsc', TIMES, 0)
  step(session, pdu('bind_receiver', { body: BIND }))
  const effects = step(session, respond('bind_receiver', 'ESME_RINVPASWD'))
  t.match(effects, [
    { command_status: COMMAND_STATUS.ESME_RINVPASWD, given: false, body: undefined },
  ])
  t.equal(session.state, 'OPEN')
  t.equal(step(session, pdu('bind_receiver', { body: BIND }))[0]?.kind, 'request')
  t.end()
})

void t.test('a peer of version 3.3 is told no optional parameter', t => {
  const session = openSession('smsc', TIMES, 0)
  const body = encodeBody('bind_transmitter', { system_id: 'old', interface_version: 0x33 })
  step(session, pdu('bind_transmitter', { body }))
  t.match(step(session, respond('bind_transmitter', 'ESME_ROK')), [
    { given: true, body: undefined },
  ])
  t.equal(session.interface_version, 0x33)
  t.end()
})

void t.test('a status that the peer’s version does not know is told in one that it does', t => {
  for (const { version, status, told } of [
    { version: 0x33, status: 'ESME_RINVPARLEN', told: 'ESME_RINVCMDLEN' },
    { version: 0x34, status: 'ESME_RINVPARLEN', told: 'ESME_RINVPARLEN' },
    { version: 0x34, status: 'ESME_RSERTYPDENIED', told: 'ESME_RINVSERTYP' },
    { version: 0x50, status: 'ESME_RSERTYPDENIED', told: 'ESME_RSERTYPDENIED' },
  ] as const) {
    const session = inState('smsc', 'BOUND_TX')
    session.interface_version = version
    step(session, pdu('submit_sm'))
    t.same(sent(step(session, respond('submit_sm', status))), [`submit_sm_resp ${told} 7`])
  }
  t.end()
})

void t.test('a bind that cannot be read is refused, and the link closed', t => {
  const session = openSession('smsc', TIMES, 0)
  const effects = step(session, pdu('bind_receiver'))
  t.same(sent(effects), ['bind_receiver_resp ESME_RINVSYSID 7'])
  t.equal(effects.at(-1)?.kind, 'close')
  t.equal(session.counters.malformed, 1)
  t.end()
})

void t.test('more requests than the window in allows are answered ESME_RTHROTTLED', t => {
  const session = inState('smsc', 'BOUND_TX')
  t.equal(step(session, pdu('submit_sm', { sequence_number: 1 }))[0]?.kind, 'request')
  t.equal(step(session, pdu('query_sm', { sequence_number: 2 }))[0]?.kind, 'request')
  t.same(sent(step(session, pdu('submit_sm', { sequence_number: 3 }))), [
    'submit_sm_resp ESME_RTHROTTLED 3',
  ])
  step(session, respond('submit_sm', 'ESME_ROK', 1))
  t.equal(step(session, pdu('submit_sm', { sequence_number: 4 }))[0]?.kind, 'request')
  t.equal(session.counters.windowExceeded, 1)
  t.end()
})

void t.test('alert_notification and outbind are handed over, and owe no answer', t => {
  const session = inState('esme', 'BOUND_RX')
  for (let i = 0; i < 5; i++) t.equal(step(session, pdu('alert_notification'))[0]?.kind, 'request')
  t.equal(session.pendingIn, 0)
  t.equal(step(openSession('esme', TIMES, 0), pdu('outbind'))[0]?.kind, 'request')
  t.end()
})

void t.test('outbind goes out before a bind, from the SMSC only', t => {
  const smsc = openSession('smsc', TIMES, 0)
  t.match(step(smsc, { kind: 'outbind' }), [
    { kind: 'send', command_id: COMMAND_IDS.outbind, sequence_number: 1, given: true },
  ])
  t.equal(smsc.outstanding.size, 0, 'no response is waited for')
  t.same(step(openSession('esme', TIMES, 0), { kind: 'outbind' }), [])
  for (const state of ['BOUND_TRX', 'UNBINDING'] as const)
    t.same(step(inState('smsc', state), { kind: 'outbind' }), [])
  t.end()
})

void t.test('a response finds its request by sequence_number and command', t => {
  const session = inState('esme', 'BOUND_TX')
  const sequence_number = request(session, 'a')
  t.same(step(session, pdu('deliver_sm_resp', { sequence_number })), [], 'of another command')
  t.equal(session.counters.unmatchedResponses, 1)
  const frame = pdu('submit_sm_resp', { sequence_number })
  t.match(step(session, frame), [
    { kind: 'response', tag: 'a', how: 'response', frame: frame.frame },
  ])
  t.same(step(session, frame), [], 'twice')
  const nacked = request(session, 'b')
  t.match(step(session, pdu('generic_nack', { sequence_number: nacked, command_status: 3 })), [
    { kind: 'response', tag: 'b', how: 'response' },
  ])
  t.end()
})

void t.test(
  'the window out is freed by the response time-out, and a late answer still counts',
  t => {
    const session = inState('esme', 'BOUND_TX')
    const first = request(session, 'a', 0)
    request(session, 'b', 5_000)
    t.equal(mayRequest(session), 'windowFull')
    t.same(step(session, { kind: 'tick', atMs: 9_999 }), [])
    t.match(step(session, { kind: 'tick', atMs: 10_000 }), [{ tag: 'a', how: 'timeout' }])
    t.equal(mayRequest(session), 'yes')
    const late = pdu('submit_sm_resp', { sequence_number: first })
    t.match(step(session, late), [{ tag: 'a', how: 'late' }])
    t.same(step(session, late), [])
    t.match(step(session, { kind: 'tick', atMs: 15_000 }), [{ tag: 'b', how: 'timeout' }])
    t.equal(session.counters.responseTimeouts, 2)
    t.end()
  },
)

void t.test('sequence numbers run from 1 to 0x7fffffff and pass over those in use', t => {
  const session = inState('esme', 'BOUND_TX')
  t.equal(request(session, 'a'), 1)
  session.lastSequence = 0x7ffffffe
  t.equal(request(session, 'b'), 0x7fffffff)
  t.equal(request(session, 'c'), 2)
  t.end()
})

void t.test('silence is broken by enquire_link, then ends the session', t => {
  const session = inState('smsc', 'BOUND_TX')
  t.same(step(session, { kind: 'tick', atMs: 29_999 }), [])
  t.match(sent(step(session, { kind: 'tick', atMs: 30_000 })), [/^enquire_link /])
  t.same(step(session, { kind: 'tick', atMs: 31_000 }), [])
  t.same(step(session, pdu('enquire_link_resp', { atMs: 32_000 })), [])
  t.same(step(session, { kind: 'tick', atMs: 61_999 }), [])
  t.match(sent(step(session, { kind: 'tick', atMs: 62_000 })), [/^enquire_link /])
  t.match(step(session, { kind: 'tick', atMs: 122_000 }), [{ reason: 'inactivity timeout' }])
  t.equal(session.state, 'CLOSED')
  t.equal(session.counters.unmatchedResponses, 0)
  t.end()
})

void t.test('who does not bind in time is closed, whatever else he says', t => {
  const session = openSession('smsc', TIMES, 0)
  step(session, pdu('enquire_link', { atMs: 9_000 }))
  t.same(step(session, { kind: 'tick', atMs: 9_999 }), [])
  t.match(step(session, { kind: 'tick', atMs: 10_000 }), [{ reason: 'bind timeout' }])
  t.end()
})

void t.test('0 switches a timer off', t => {
  const off = { bindTimeoutMs: 0, enquireLinkMs: 0, inactivityTimeoutMs: 0, responseTimeoutMs: 0 }
  const session = inState('esme', 'BOUND_TX', { ...TIMES, ...off })
  request(session, 'a')
  t.same(step(session, { kind: 'tick', atMs: 1e9 }), [])
  t.same(step(openSession('smsc', { ...TIMES, ...off }, 0), { kind: 'tick', atMs: 1e9 }), [])
  t.end()
})

void t.test('the peer’s unbind is answered after what it asked before', t => {
  const session = inState('smsc', 'BOUND_TRX')
  step(session, pdu('submit_sm', { sequence_number: 1 }))
  t.match(step(session, pdu('unbind', { sequence_number: 2 })), [{ kind: 'unbinding' }])
  t.equal(mayRequest(session), 'closed')
  const effects = step(session, respond('submit_sm', 'ESME_ROK', 1))
  t.same(sent(effects), ['submit_sm_resp ESME_ROK 1', 'unbind_resp ESME_ROK 2'])
  t.match(effects.at(-1), { kind: 'close', reason: 'unbound by the peer' })
  t.end()
})

void t.test('the peer’s unbind is answered after five seconds all the same', t => {
  const session = inState('smsc', 'BOUND_TRX')
  step(session, pdu('submit_sm', { sequence_number: 1 }))
  step(session, pdu('unbind', { sequence_number: 2, atMs: 100 }))
  t.same(step(session, { kind: 'tick', atMs: 5_099 }), [])
  t.same(sent(step(session, { kind: 'tick', atMs: 5_100 })), ['unbind_resp ESME_ROK 2'])
  t.equal(session.state, 'CLOSED')
  t.end()
})

void t.test('our unbind ends with its answer, or without it', t => {
  const answered = inState('esme', 'BOUND_TRX')
  request(answered, 'a')
  t.same(sent(step(answered, { kind: 'unbind', atMs: 0 })), ['unbind ESME_ROK 2'])
  t.match(step(answered, pdu('unbind_resp', { sequence_number: 2 })), [
    { kind: 'close', reason: 'unbound by us' },
    { kind: 'response', tag: 'a', how: 'closed' },
  ])
  const silent = inState('esme', 'BOUND_TRX')
  step(silent, { kind: 'unbind', atMs: 0 })
  t.match(step(silent, { kind: 'tick', atMs: 5_000 }), [{ reason: 'unbind was not answered' }])
  t.end()
})

void t.test(
  'requests that cross our unbind are taken until its answer, and answered before the end',
  t => {
    for (const { side, name } of [
      { side: 'smsc', name: 'submit_sm' },
      { side: 'esme', name: 'deliver_sm' },
    ] as const) {
      const session = inState(side, 'BOUND_TRX')
      step(session, pdu(name, { sequence_number: 1 }))
      step(session, { kind: 'unbind', atMs: 0 })
      t.equal(mayRequest(session), 'closed', 'we ask nothing more')
      t.same(step(session, pdu(name, { sequence_number: 2 }))[0]?.kind, 'request')
      t.same(step(session, pdu('unbind_resp', { sequence_number: 1 })), [], 'two are owed')
      t.same(sent(step(session, pdu(name, { sequence_number: 3 }))), [
        `${name}_resp ESME_RINVBNDSTS 3`,
      ])
      t.same(sent(step(session, respond(name, 'ESME_ROK', 2))), [`${name}_resp ESME_ROK 2`])
      const last = step(session, respond(name, 'ESME_ROK', 1))
      t.same(sent(last), [`${name}_resp ESME_ROK 1`])
      t.match(last.at(-1), { kind: 'close', reason: 'unbound by us' })
    }
    t.end()
  },
)

void t.test('what crosses our unbind is answered within five seconds, or not at all', t => {
  for (const { answered, reason } of [
    { answered: true, reason: 'unbound by us' },
    { answered: false, reason: 'unbind was not answered' },
  ]) {
    const session = inState('smsc', 'BOUND_TX')
    step(session, { kind: 'unbind', atMs: 0 })
    step(session, pdu('submit_sm', { sequence_number: 9 }))
    if (answered) step(session, pdu('unbind_resp', { sequence_number: 1 }))
    t.same(step(session, { kind: 'tick', atMs: 4_999 }), [])
    t.match(step(session, { kind: 'tick', atMs: 5_000 }), [{ kind: 'close', reason }])
  }
  t.end()
})

void t.test('an SMSC that unbinds answers first what we had asked; five seconds are waited', t => {
  const session = inState('esme', 'BOUND_TRX')
  request(session, 'a')
  t.same(sent(step(session, pdu('unbind'))), [])
  const effects = step(session, pdu('submit_sm_resp', { sequence_number: 1 }))
  t.match(effects[0], { kind: 'response', tag: 'a', how: 'response' })
  t.same(sent(effects), ['unbind_resp ESME_ROK 7'])
  t.match(effects.at(-1), { kind: 'close', reason: 'unbound by the peer' })

  const silent = inState('esme', 'BOUND_TRX')
  request(silent, 'a')
  step(silent, pdu('unbind'))
  const late = step(silent, { kind: 'tick', atMs: 5_000 })
  t.same(sent(late), ['unbind_resp ESME_ROK 7'])
  t.match(late.at(-1), { kind: 'response', tag: 'a', how: 'closed' })
  t.end()
})

void t.test('an ESME that unbinds is not kept waiting for its own responses', t => {
  const session = inState('smsc', 'BOUND_TRX')
  request(session, 'a')
  t.same(sent(step(session, pdu('unbind'))), ['unbind_resp ESME_ROK 7'])
  t.end()
})

void t.test('both sides unbinding at once: what is owed goes out first', t => {
  const session = inState('smsc', 'BOUND_TRX')
  step(session, pdu('submit_sm', { sequence_number: 3 }))
  step(session, { kind: 'unbind', atMs: 0 })
  t.same(sent(step(session, pdu('unbind', { sequence_number: 4 }))), [])
  t.same(step(session, pdu('unbind_resp', { sequence_number: 1 })), [])
  t.equal(session.counters.unmatchedResponses, 0)
  const effects = step(session, respond('submit_sm', 'ESME_ROK', 3))
  t.same(sent(effects), ['submit_sm_resp ESME_ROK 3', 'unbind_resp ESME_ROK 4'])
  t.equal(session.state, 'CLOSED')
  t.end()
})

void t.test('both sides unbinding at once end well', t => {
  const session = inState('esme', 'BOUND_TRX')
  step(session, { kind: 'unbind', atMs: 0 })
  t.same(sent(step(session, pdu('unbind'))), ['unbind_resp ESME_ROK 7'])
  t.match(step(session, pdu('unbind_resp', { sequence_number: 1 })), [{ kind: 'close' }])
  t.end()
})

void t.test('our bind: accepted, refused, nacked', t => {
  for (const { name, status, version, expected } of [
    {
      name: 'bind_receiver_resp',
      status: 0,
      version: '0210000134',
      expected: { ok: true, interface_version: 0x34 },
    },
    {
      name: 'bind_receiver_resp',
      status: 0,
      version: '',
      expected: { ok: true, interface_version: undefined },
    },
    {
      name: 'bind_receiver_resp',
      status: 0,
      version: '50',
      expected: { ok: true, system_id: 'smsc' },
    },
    {
      name: 'bind_receiver_resp',
      status: 14,
      version: '',
      expected: { ok: false, command_status: 14 },
    },
    {
      name: 'bind_transmitter_resp',
      status: 0,
      version: '',
      expected: { ok: true, system_id: 'smsc' },
    },
    { name: 'generic_nack', status: 3, version: '', expected: { ok: false, command_status: 3 } },
    { name: 'generic_nack', status: 0, version: '', expected: { ok: false, command_status: 13 } },
  ] as const) {
    const session = openSession('esme', TIMES, 0)
    const bind = {
      kind: 'bind',
      command: 'bind_receiver',
      interface_version: 0x34,
      atMs: 0,
    } as const
    t.same(sent(step(session, bind)), ['bind_receiver ESME_ROK 1'])
    t.same(step(session, bind), [], 'one at a time')
    const body = Buffer.from(`736d736300${version}`, 'hex')
    const answer = pdu(name, { sequence_number: 1, command_status: status, body })
    t.match(step(session, answer), [{ kind: 'bindAnswered', result: expected }])
    t.equal(session.state, expected.ok ? 'BOUND_RX' : 'OPEN')
  }
  t.end()
})

void t.test('a command_length that cannot be is nacked, unless in a response, and ends it', t => {
  for (const { command_id, sequence_number, expected } of [
    { command_id: 4, sequence_number: 9, expected: ['generic_nack ESME_RINVCMDLEN 9'] },
    {
      command_id: undefined,
      sequence_number: undefined,
      expected: ['generic_nack ESME_RINVCMDLEN 0'],
    },
    { command_id: 0x80000004, sequence_number: 9, expected: [] },
  ]) {
    const session = inState('smsc', 'BOUND_TRX')
    const error = { command_length: 3, command_id, sequence_number }
    const effects = step(session, { kind: 'framingError', error })
    t.same(sent(effects), expected)
    t.equal(effects.at(-1)?.kind, 'close')
    t.equal(session.counters.malformed, 1)
    t.same(step(session, pdu('enquire_link')), [], 'nothing is answered afterwards')
  }
  t.end()
})

function inState(side: SessionSide, state: SessionState, times = TIMES): Session {
  const session = openSession(side, times, 0)
  session.state = state
  if (state === 'UNBINDING') session.unbind = { by: 'peer', sequence_number: 99, untilMs: 1e12 }
  if (isBound(state)) session.boundAs = 'bind_transceiver'
  return session
}

/** A bind must be readable. */
function bodyFor(name: CommandName): Buffer {
  return isBind(COMMAND_IDS[name]) ? BIND : Buffer.alloc(0)
}

interface PduOptions {
  sequence_number?: number
  command_status?: number
  body?: Buffer
  atMs?: number
}

function pdu(name: CommandName, options: PduOptions = {}) {
  return raw(COMMAND_IDS[name], options)
}

function raw(command_id: number, options: PduOptions = {}) {
  const { sequence_number = 7, command_status = 0, body = Buffer.alloc(0), atMs = 0 } = options
  const frame: FramedPdu = { command_id, command_status, sequence_number, body }
  return { kind: 'pdu', frame, atMs } as const
}

function respond(name: CommandName, command_status: CommandStatus, sequence_number = 7) {
  const status = COMMAND_STATUS[command_status]
  return {
    kind: 'respond',
    command_id: COMMAND_IDS[name],
    sequence_number,
    command_status: status,
  } as const
}

function request(session: Session, tag: string, atMs = 0): number {
  step(session, {
    kind: 'request',
    command_id: COMMAND_IDS.submit_sm,
    command_status: 0,
    tag,
    atMs,
  })
  return session.lastSequence
}

/** "submit_sm_resp ESME_ROK 7" for each PDU that is to be sent. */
function sent(effects: readonly SessionEffect[]): string[] {
  const names = Object.entries(COMMAND_IDS)
  return effects.flatMap(effect => {
    if (effect.kind !== 'send') return []
    const name = names.find(([, id]) => id === effect.command_id)?.[0] ?? '?'
    return [`${name} ${statusName(effect.command_status) ?? '?'} ${effect.sequence_number}`]
  })
}
