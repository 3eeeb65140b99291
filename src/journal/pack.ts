import { Packr } from 'msgpackr'

// No shared structures: every stored value decodes alone (DESIGN §4).
const packr = new Packr({ useRecords: false, variableMapSize: true })

/** msgpack of plain data. The result is the caller's own (msgpackr's buffers share a pool). */
export const pack = (value: unknown): Buffer => Buffer.from(packr.pack(value))

/** The value, unchecked; throws on octets that are no msgpack. */
export const unpack = (octets: Buffer): unknown => packr.unpack(octets)
