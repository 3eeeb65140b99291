import smpp from 'smpp'
import type { TlvName } from '../tlv-tags.js'

/** Where the `smpp` package (0.5.1) departs from the standard: our octets are not compared with its there. */
export interface PackageFault {
  what: string
  source: string
  /** TLVs that are left out of the comparison for it. */
  tlvs?: readonly TlvName[]
  /** Whether it is still so: the package may be mended. */
  shows: () => boolean
}

const octetsOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const pdu = (hex: string): InstanceType<typeof smpp.PDU> => new smpp.PDU(octetsOf(hex))

function throws(run: () => unknown): boolean {
  try {
    run()
    return false
  } catch {
    return true
  }
}

/** A submit_sm of one octet of text with one TLV after it, as the package writes it. */
function written(tlv: string, value: unknown): string {
  const options = { short_message: Buffer.of(0x61), [tlv]: value }
  return new smpp.PDU('submit_sm', options).toBuffer().toString('hex').slice(-16)
}

export const PACKAGE_FAULTS: readonly PackageFault[] = [
  {
    what: 'does not know `param_retrieve`, `query_last_msgs`, `query_msg_details`',
    source: 'SMPP 3.3 §6.2',
    shows: () => throws(() => new smpp.PDU('query_last_msgs')),
  },
  {
    what: 'reads TLVs it does not know, and leaves them out when it writes',
    source: 'SMPP 3.4 §5.3.2: 0x1400 to 0x3fff are vendors’ own',
    shows: () => !written('5120', Buffer.of(1)).includes('1400'),
  },
  {
    what: 'writes `source_telematics_id` in two octets, as 5.0 has it; 3.4 has one',
    source: 'SMPP 3.4 §5.3.2.8',
    tlvs: ['source_telematics_id'],
    shows: () => written('source_telematics_id', 1).endsWith('001000020001'),
  },
  {
    what: 'cannot read an `alert_on_message_delivery` without value, the only one that 3.4 has',
    source: 'SMPP 3.4 §5.3.2.41',
    tlvs: ['alert_on_message_delivery'],
    shows: () => throws(() => pdu('00000015 80000004 00000000 00000001 00 130c 0000')),
  },
  {
    what: 'writes `dest_addr_np_country` in four octets, whatever the code; five are allowed',
    source: 'SMPP 5.0 §4.8.4.20',
    tlvs: ['dest_addr_np_country'],
    shows: () => written('dest_addr_np_country', 49).endsWith('0613000400000031'),
  },
  {
    what: 'keeps one `broadcast_area_success`, the last; there is one for each area',
    source: 'SMPP 5.0 §4.4.4.1',
    shows: () =>
      pdu('0000001b 80000112 00000000 00000001 00 0608 0001 01 0608 0001 02')[
        'broadcast_area_success'
      ] === 2,
  },
  {
    what: 'reads numbers and C-octet strings in TLVs past the length that the TLV gives',
    source: 'SMPP 3.4 §3.2.4.1',
    shows: () =>
      pdu('0000001b 80000004 00000000 00000001 00 0204 0001 07 0304 0001 09')[
        'user_message_reference'
      ] === 0x0703,
  },
  {
    what: 'takes a C-octet string without its NUL at the end of a PDU',
    source: 'SMPP 3.4 §3.1; ESME_RINVMSGID and its like',
    shows: () => pdu('00000012 80000004 00000000 00000001 3132')['message_id'] === '12',
  },
  {
    what: 'takes an sm_length that claims more octets than there are, and cuts the message',
    source: 'SMPP 3.4 §5.2.21; ESME_RINVMSGLEN',
    shows: () =>
      !throws(() =>
        pdu(
          '00000023 00000004 00000000 00000001 00 0000 00 0000 00 00 00 00 00 00 00 00 00 00 09 6162',
        ),
      ),
  },
  {
    what: 'takes any dest_flag but 1 for a distribution list',
    source: 'SMPP 3.4 §5.2.25; ESME_RINVDESTFLAG',
    shows: () =>
      Array.isArray(
        pdu('0000001b 00000021 00000000 00000001 00 00 00 00 01 07 6100 00 00 00')['dest_address'],
      ),
  },
  {
    what: 'writes strings longer than their parameter may be',
    source: 'SMPP 3.4 §4.4.1: source_addr has 21 octets at most; ESME_RINVSRCADR',
    shows: () =>
      !throws(() => new smpp.PDU('submit_sm', { source_addr: '1'.repeat(40) }).toBuffer()),
  },
  {
    what: 'reads seven bits of each octet of a C-octet string, though it writes eight',
    source: 'SMPP 3.4 §3.1: what is not ASCII should not be there, and is then another text',
    shows: () => pdu('00000013 80000004 00000000 00000001 c3a400')['message_id'] === 'C$',
  },
]
