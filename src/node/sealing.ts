import { createCipheriv, createDecipheriv } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Random } from '../base/random.js'

/** AES-256-GCM: nonce 12 octets | tag 16 | sealed text. */
const NONCE_OCTETS = 12
const TAG_OCTETS = 16
const VERSION = 1

/** Seals text under the key of `node.secretKeyFile`, which all nodes share. */
export class Sealing {
  private readonly key: Buffer
  private readonly random: Random

  /** @param key  32 octets */
  constructor(key: Buffer, random: Random) {
    this.key = key
    this.random = random
  }

  /**
   * @param context  what the text belongs to; a box does not open under another
   * @returns        base64
   */
  seal(text: string, context: string): string {
    const nonce = this.random.octets(NONCE_OCTETS)
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(context))
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), sealed]).toString(
      'base64',
    )
  }

  /** Undefined where the box was sealed under another key or context, or is damaged. */
  open(box: string, context: string): string | undefined {
    const octets = Buffer.from(box, 'base64')
    if (octets.length < 1 + NONCE_OCTETS + TAG_OCTETS || octets[0] !== VERSION) return undefined
    const nonce = octets.subarray(1, 1 + NONCE_OCTETS)
    const tag = octets.subarray(1 + NONCE_OCTETS, 1 + NONCE_OCTETS + TAG_OCTETS)
    const sealed = octets.subarray(1 + NONCE_OCTETS + TAG_OCTETS)
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.key, nonce, {
        authTagLength: TAG_OCTETS,
      })
      decipher.setAAD(Buffer.from(context)).setAuthTag(tag)
      return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8')
    } catch {
      return undefined
    }
  }
}

/**
 * Reads a key file: 64 hex digits, or 32 octets as they are.
 * @throws Error that names the file, never its contents
 */
export function readKeyFile(file: string): Buffer {
  const octets = readFileSync(file)
  if (octets.length === 32) return octets
  const text = octets.toString('latin1').trim()
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  throw new Error(
    `${file}: expected 64 hex digits, or 32 octets. Make one with: openssl rand -hex 32`,
  )
}
