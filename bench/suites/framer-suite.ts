import { grouped } from '../../src/tools/units.js'
import { benchFramer, type FramerRow } from '../framer.js'
import { plainTable, trimmed } from '../report.js'
import type { Suite } from './suite.js'

export const framerSuite: Suite = () => {
  const figures = benchFramer({ rounds: 7, roundMs: 60 })
  return Promise.resolve({ figures, text: framerText(figures), problems: [] })
}

export function framerText(rows: readonly FramerRow[]): string {
  const head = ['', 'octets a PDU', 'octets a read', 'ours: PDUs/s', 'MiB/s', 'smpp: PDUs/s']
  const table = plainTable([...head, 'MiB/s', 'ratio'])
  for (const { what, pduOctets, chunkOctets, oursNs, theirsNs, ratio } of rows)
    table.push([
      what,
      grouped(pduOctets),
      grouped(chunkOctets),
      ...speed(oursNs, pduOctets),
      ...speed(theirsNs, pduOctets),
      `× ${ratio.toFixed(1)}`,
    ])
  return trimmed(table)
}

function speed(ns: number, octets: number): [pdusPerSecond: string, mibPerSecond: string] {
  const perSecond = 1e9 / ns
  return [grouped(perSecond), grouped((perSecond * octets) / 2 ** 20)]
}
