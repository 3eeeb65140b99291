import type { Random } from '../../base/random.js'
import { encodePdu, type Body, type DestAddress, type Tlv } from '../codec.js'
import { COMMAND_IDS, type CommandName } from '../command-ids.js'
import { PDU_BODIES, type Field } from '../pdu-bodies.js'
import { TLV_TABLE } from '../tlv-table.js'
import { TLV_TAGS, type TlvName } from '../tlv-tags.js'
import { CORPUS } from './corpus.js'
import { octetsOf, VECTORS } from './vectors.js'

/**
 * One stream of octets: PDUs made from the tables, or from the corpus, one to three after each other, most of them then
 * damaged, by the octet or by their structure; most with a command_length that is right again, for else only the framer
 * would see them.
 */
export function generate(random: Random): Buffer {
  const pdus: Buffer[] = []
  for (let left = 1 + random.below(3); left > 0; left--) {
    let pdu = random.below(4) > 0 ? made(random) : pick(SEEDS, random)
    for (let hits = random.below(5); hits > 0; hits--) pdu = pick(DAMAGES, random)(pdu, random)
    if (random.below(8) > 0 && pdu.length >= 4) pdu = relengthed(pdu)
    pdus.push(pdu)
  }
  return Buffer.concat(pdus)
}

const SEEDS = [...VECTORS, ...CORPUS].map(({ hex }) => octetsOf(hex))
const NAMES = Object.keys(PDU_BODIES) as CommandName[]
const TAGS = Object.keys(TLV_TAGS) as TlvName[]
/** Values at which lengths and counts go wrong. */
const EDGES = [0, 1, 2, 4, 15, 16, 17, 0x7f, 0x80, 0xfe, 0xff]

/** A PDU that its table allows. */
function made(random: Random): Buffer {
  const name = pick(NAMES, random)
  const body: Record<string, unknown> = {}
  for (const field of PDU_BODIES[name] as readonly Field[]) body[field.name] = value(field, random)
  body['tlvs'] = Array.from({ length: random.below(4) }, () => tlv(random))
  const header = { sequence_number: random.below(2 ** 32) }
  const pdu = encodePdu(name, header, body as Partial<Body<CommandName>>)
  // written with its body, whatever the status
  if (random.below(4) === 0) pdu.writeUInt32BE(random.below(0x120), 8)
  return pdu
}

function value(field: Field, random: Random): unknown {
  switch (field.kind) {
    case 'cstring':
      return text(field.size, random)
    case 'uint8':
      return random.below(2) === 0 ? pick(EDGES, random) : random.below(256)
    case 'message':
      return random.octets(random.below(2) === 0 ? random.below(256) : random.below(8))
    case 'messageIds':
      return several(random, () => text(65, random))
    case 'destinations':
      return several(random, (): DestAddress =>
        random.below(2) === 0
          ? { dest_flag: 2, dl_name: text(21, random) }
          : { dest_flag: 1, ...address(random) },
      )
    case 'unsuccessful':
      return several(random, () => ({
        ...address(random),
        error_status_code: random.below(2 ** 32),
      }))
  }
}

function several<T>(random: Random, one: () => T): T[] {
  return Array.from({ length: random.below(4) }, one)
}

function address(random: Random) {
  return {
    dest_addr_ton: random.below(256),
    dest_addr_npi: random.below(256),
    destination_addr: text(21, random),
  }
}

/** @param octetsMax  NUL included; half of the texts are short, some as long as they may be */
function text(octetsMax: number, random: Random): string {
  const length = [0, random.below(Math.min(6, octetsMax)), random.below(octetsMax), octetsMax - 1]
  return Array.from({ length: pick(length, random) }, () =>
    String.fromCharCode(1 + random.below(255)),
  ).join('')
}

/** A TLV of the standard, whose length is now and then outside its limits, or one of nobody's. */
function tlv(random: Random): Tlv {
  if (random.below(5) === 0) {
    return { tag: random.below(0x10000), value: random.octets(random.below(9)) }
  }
  const name = pick(TAGS, random)
  const { min, max } = TLV_TABLE[name]
  const room = Math.min(max, min + 40) - min + 1
  const length = random.below(6) === 0 ? random.below(12) : min + random.below(room)
  return { tag: TLV_TAGS[name], value: random.octets(length) }
}

type Damage = (pdu: Buffer, random: Random) => Buffer

const DAMAGES: readonly Damage[] = [
  function bit(pdu, random) {
    return changed(pdu, random, octet => octet ^ (1 << random.below(8)))
  },
  function edge(pdu, random) {
    return changed(pdu, random, () => pick(EDGES, random))
  },
  function wordAtEdge(pdu, random) {
    if (pdu.length < 18) return pdu
    const copy = Buffer.from(pdu)
    copy.writeUInt16BE(pick([...EDGES, 0x7fff, 0xffff], random), 16 + random.below(pdu.length - 17))
    return copy
  },
  function cut(pdu, random) {
    return pdu.subarray(0, random.below(pdu.length + 1))
  },
  function without(pdu, random) {
    const at = random.below(pdu.length + 1)
    return Buffer.concat([pdu.subarray(0, at), pdu.subarray(at + 1 + random.below(8))])
  },
  function inserted(pdu, random) {
    const at = random.below(pdu.length + 1)
    const run = random.octets(1 + random.below(12))
    if (random.below(2) === 0) run.fill(pick([0, 0xff], random))
    return Buffer.concat([pdu.subarray(0, at), run, pdu.subarray(at)])
  },
  function doubled(pdu, random) {
    const at = random.below(pdu.length + 1)
    const run = pdu.subarray(at, at + 1 + random.below(40))
    return Buffer.concat([pdu.subarray(0, at), run, pdu.subarray(at)])
  },
  function spliced(pdu, random) {
    const other = pick(SEEDS, random)
    return Buffer.concat([
      pdu.subarray(0, random.below(pdu.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ])
  },
  function ofAnotherCommand(pdu, random) {
    if (pdu.length < 8) return pdu
    const copy = Buffer.from(pdu)
    copy.writeUInt32BE(COMMAND_IDS[pick(NAMES, random)], 4)
    return copy
  },
  function withoutItsNuls(pdu, random) {
    const copy = Buffer.from(pdu)
    for (let at = 16 + random.below(20); at < copy.length; at++) copy[at] ||= 0x20
    return copy
  },
]

function changed(pdu: Buffer, random: Random, to: (octet: number) => number): Buffer {
  if (pdu.length === 0) return pdu
  const copy = Buffer.from(pdu)
  // the header is a small part of what there is to damage
  const at =
    random.below(8) > 0 && pdu.length > 16
      ? 16 + random.below(pdu.length - 16)
      : random.below(pdu.length)
  copy[at] = to(copy[at]!)
  return copy
}

function relengthed(pdu: Buffer): Buffer {
  const copy = Buffer.from(pdu)
  copy.writeUInt32BE(copy.length, 0)
  return copy
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[random.below(from.length)]!
}
