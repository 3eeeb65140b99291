import t from 'tap'
import { tlv, type Tlv } from './codec.js'
import type { CommandName } from './command-ids.js'
import { PDU_BODIES } from './pdu-bodies.js'
import { tlvProblem, tlvsOf } from './pdu-tlvs.js'
import { TLV_TABLE } from './tlv-table.js'
import { TLV_TAGS, tlvName, type TlvName } from './tlv-tags.js'
import { SMPP_VERSIONS, versionsOf } from './versions.js'

const VENDOR: Tlv = { tag: 0x1400, value: Buffer.from('anything') }

for (const { title, name, tlvs, version, expected } of [
  {
    title: 'of its length',
    name: 'submit_sm',
    tlvs: [tlv.uint16('source_port', 1)],
    version: 0x34,
  },
  {
    title: 'that is too short',
    name: 'submit_sm',
    tlvs: [tlv.uint8('source_port', 1)],
    version: 0x34,
    expected: ['ESME_RINVPARLEN', 'source_port'],
  },
  {
    title: 'that is too long',
    name: 'deliver_sm',
    tlvs: [tlv.octets('receipted_message_id', Buffer.alloc(66))],
    version: 0x34,
    expected: ['ESME_RINVPARLEN', 'receipted_message_id'],
  },
  {
    title: 'of another PDU',
    name: 'submit_sm',
    tlvs: [tlv.uint8('dpf_result', 1)],
    version: 0x34,
    expected: ['ESME_ROPTPARNOTALLWD', 'dpf_result'],
  },
  {
    title: 'that 5.0 allows and 3.4 does not',
    name: 'submit_sm_resp',
    tlvs: [tlv.uint8('dpf_result', 1)],
    version: 0x50,
  },
  {
    title: 'of a version the peer does not speak, which to it is an unknown one',
    name: 'submit_sm_resp',
    tlvs: [tlv.uint8('congestion_state', 1)],
    version: 0x34,
  },
  {
    title: 'that any response of 5.0 may have',
    name: 'unbind_resp',
    tlvs: [tlv.uint8('congestion_state', 1)],
    version: 0x50,
  },
  {
    title: 'in SMPP 3.3, which has none',
    name: 'submit_sm',
    tlvs: [tlv.uint16('source_port', 1)],
    version: 0x33,
    expected: ['ESME_ROPTPARNOTALLWD', 'source_port'],
  },
  { title: 'of a vendor', name: 'submit_sm', tlvs: [VENDOR], version: 0x34 },
  {
    title: 'that is missing',
    name: 'broadcast_sm',
    tlvs: [tlv.octets('broadcast_area_identifier', Buffer.of(0, 0x61))],
    version: 0x50,
    expected: ['ESME_RMISSINGOPTPARAM', 'broadcast_content_type'],
  },
] as {
  title: string
  name: CommandName
  tlvs: Tlv[]
  version: 0x33 | 0x34 | 0x50
  expected?: [string, string]
}[]) {
  void t.test(`a TLV ${title}: ${expected?.[0] ?? 'no problem'}`, t => {
    const problem = tlvProblem(name, tlvs, version)
    t.same(problem && [problem.command_status, problem.parameter], expected)
    t.end()
  })
}

void t.test('every TLV of the table is allowed in some PDU, and in none before its version', t => {
  const used = new Set<TlvName>()
  for (const name of Object.keys(PDU_BODIES) as CommandName[]) {
    for (const version of SMPP_VERSIONS) {
      const { allowed, required } = tlvsOf(name, version)
      t.equal(new Set(allowed).size, allowed.length, `${name}: no TLV twice`)
      for (const one of required) t.ok(allowed.includes(one), `${name} ${one}`)
      if (!versionsOf(name).includes(version)) continue
      for (const one of allowed) {
        used.add(one)
        t.ok(TLV_TABLE[one].since <= version, `${name} ${one}`)
      }
    }
  }
  t.same([...used].sort(), Object.keys(TLV_TAGS).sort())
  for (const [name, tag] of Object.entries(TLV_TAGS)) t.equal(tlvName(tag), name)
  t.end()
})
