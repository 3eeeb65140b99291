import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import type { Drive } from './drive.js'

export interface AppendLoad {
  kind: 'append'
  file: string
  octets: number
}

/** Appends to a file, each on the disk before the next: what a log on this disk cannot beat with writes of this size. */
export const driveAppends: Drive<AppendLoad> = ({ file, octets }, meter) => {
  const descriptor = openSync(file, 'a')
  const block = Buffer.alloc(octets, 0x61)
  while (!meter.isOver) {
    const beganAtMs = meter.now()
    writeSync(descriptor, block)
    fdatasyncSync(descriptor)
    meter.answered(beganAtMs)
  }
  closeSync(descriptor)
  return Promise.resolve([])
}
