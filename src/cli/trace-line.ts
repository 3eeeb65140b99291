import type { TracedPdu } from '../api/shapes.js'
import type { VendorTlv } from '../policy/settings.js'
import { decodeBody, findTlv } from '../smpp/codec.js'
import { commandName } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import type { Io } from './io.js'
import { tlvWords } from './tlv-line.js'

/**
 * `08:20:52.521 n2 in  1.4.7 submit_sm #12 4917… → 1000 [5] Hello source_port=16000`: one PDU, as the node sees it.
 *
 * @param registry  names of vendors' TLVs
 */
export function pduLine(
  { at, node, session, direction, remote, pdu }: TracedPdu,
  texts: boolean,
  registry: readonly VendorTlv[],
  paint: Io['paint'],
): string {
  const octets = Buffer.from(pdu, 'base64')
  const command = octets.readUInt32BE(4)
  const status = octets.readUInt32BE(8)
  const name = commandName(command)
  const parts = [
    paint.dim(new Date(at).toISOString().slice(11, 23)),
    `n${node}`,
    direction === 'in' ? paint.green('in ') : paint.cyan('out'),
    session === '' ? remote : session,
    paint.bold(name ?? `0x${command.toString(16).padStart(8, '0')}`),
    `#${octets.readUInt32BE(12)}`,
  ]
  if (name === undefined || name.endsWith('_resp') || name === 'generic_nack' || status !== 0)
    parts.push(status === 0 ? statusText(status) : paint.red(statusText(status)))
  parts.push(...details(octets, texts, registry), paint.dim(`${octets.length} octets`))
  return parts.join(' ')
}

function details(octets: Buffer, texts: boolean, registry: readonly VendorTlv[]): string[] {
  const name = commandName(octets.readUInt32BE(4))
  if (name === undefined || octets.length === 16) return []
  const decoded = decodeBody(name, octets.subarray(16))
  if (!decoded.ok) return [`unreadable ${decoded.problem.parameter}`]
  const body: Record<string, unknown> = decoded.body
  const said: string[] = []
  const text = (key: string): string => (typeof body[key] === 'string' ? printable(body[key]) : '')
  if ('system_id' in body) said.push(`system_id=${text('system_id')}`)
  if ('source_addr' in body || 'destination_addr' in body)
    said.push(`${text('source_addr')} → ${text('destination_addr')}`)
  if (text('message_id') !== '') said.push(`id=${text('message_id')}`)
  const payload = findTlv(decoded.body.tlvs, 'message_payload')
  const message = payload ?? body['short_message']
  if (Buffer.isBuffer(message)) {
    const receipt = /^id:.*?text:/is.exec(message.toString('latin1'))?.[0]
    const shown = texts ? message.toString('latin1') : receipt
    said.push(`[${message.length}]${shown === undefined ? '' : ` ${printable(shown)}`}`)
  }
  return [...said, ...tlvWords(decoded.body.tlvs, registry, texts)]
}

/** What could move a terminal's cursor is shown as a dot. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '.')
}
