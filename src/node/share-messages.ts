import type { GrantItem, ReportItem, ShareGrant, ShareReport } from '../policy/share-holder.js'

const VERSION = 1
/** version u8 | full u8 | term f64 | boot f64 | number f64 */
const REPORT_HEAD = 26
/** account u32 | units u32 | seq f64 | active u8 | demand f64 */
const REPORT_ITEM = 25
/** version u8 | term f64 | boot f64 */
const GRANT_HEAD = 17
/** account u32 | units u32 | seq f64 */
const GRANT_ITEM = 16

export function encodeReport({ term, boot, number, full, items }: ShareReport): Buffer {
  const body = Buffer.alloc(REPORT_HEAD + items.length * REPORT_ITEM)
  body[0] = VERSION
  body[1] = full ? 1 : 0
  body.writeDoubleBE(term, 2)
  body.writeDoubleBE(boot, 10)
  body.writeDoubleBE(number, 18)
  let at = REPORT_HEAD
  for (const { account, units, seq, active, demand } of items) {
    body.writeUInt32BE(account, at)
    body.writeUInt32BE(units, at + 4)
    body.writeDoubleBE(seq, at + 8)
    body[at + 16] = active ? 1 : 0
    body.writeDoubleBE(demand, at + 17)
    at += REPORT_ITEM
  }
  return body
}

/** Undefined for what is none. */
export function decodeReport(body: Buffer): ShareReport | undefined {
  if (body[0] !== VERSION || !fits(body.length, REPORT_HEAD, REPORT_ITEM)) return undefined
  const items: ReportItem[] = []
  for (let at = REPORT_HEAD; at < body.length; at += REPORT_ITEM)
    items.push({
      account: body.readUInt32BE(at),
      units: body.readUInt32BE(at + 4),
      seq: body.readDoubleBE(at + 8),
      active: body[at + 16] === 1,
      demand: body.readDoubleBE(at + 17),
    })
  return {
    term: body.readDoubleBE(2),
    boot: body.readDoubleBE(10),
    number: body.readDoubleBE(18),
    full: body[1] === 1,
    items,
  }
}

export function encodeGrant({ term, boot, items }: ShareGrant): Buffer {
  const body = Buffer.alloc(GRANT_HEAD + items.length * GRANT_ITEM)
  body[0] = VERSION
  body.writeDoubleBE(term, 1)
  body.writeDoubleBE(boot, 9)
  let at = GRANT_HEAD
  for (const { account, units, seq } of items) {
    body.writeUInt32BE(account, at)
    body.writeUInt32BE(units, at + 4)
    body.writeDoubleBE(seq, at + 8)
    at += GRANT_ITEM
  }
  return body
}

/** Undefined for what is none. */
export function decodeGrant(body: Buffer): ShareGrant | undefined {
  if (body[0] !== VERSION || !fits(body.length, GRANT_HEAD, GRANT_ITEM)) return undefined
  const items: GrantItem[] = []
  for (let at = GRANT_HEAD; at < body.length; at += GRANT_ITEM)
    items.push({
      account: body.readUInt32BE(at),
      units: body.readUInt32BE(at + 4),
      seq: body.readDoubleBE(at + 8),
    })
  return { term: body.readDoubleBE(1), boot: body.readDoubleBE(9), items }
}

function fits(octets: number, head: number, item: number): boolean {
  return octets >= head && (octets - head) % item === 0
}
