import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type TlsOptions } from 'node:tls'
import type { Cancel, Timers } from '../base/clock.js'

/** PEM files of a listener: its certificate and key; with `ca` ESMEs have to show a certificate of it. */
export interface CertificateFiles {
  cert: string
  key: string
  ca: string | null
}

/** Renewed certificates count after this long at most. */
export const LOOK_MS = 30_000

/** What the files hold now. @throws Error where one cannot be read, or the key is not the certificate's */
export function readCertificates(files: CertificateFiles): TlsOptions {
  return checked(
    files,
    named(files).map(path => readFileSync(path)),
  )
}

/**
 * Looks into the files from time to time. What changed, and fits together, goes to `renewed`: connections that stand keep
 * what they have. What does not, such as a pair of which half is written, is told once, and looked at again.
 *
 * @param first  what they held when the listener began
 */
export function watchCertificates(
  files: CertificateFiles,
  first: TlsOptions,
  timers: Timers,
  heard: { renewed(options: TlsOptions): void; failed(error: Error): void },
): Cancel {
  let inForce = contentsOf(first)
  let complained = ''
  let looking = false
  const look = async (): Promise<void> => {
    try {
      const octets = await Promise.all(named(files).map(path => readFile(path)))
      const contents = Buffer.concat(octets).toString('latin1')
      if (contents === inForce) return
      heard.renewed(checked(files, octets))
      inForce = contents
      complained = ''
    } catch (error) {
      const { message } = error as Error
      if (message === complained) return
      complained = message
      heard.failed(error as Error)
    }
  }
  return timers.every(LOOK_MS, () => {
    if (looking) return
    looking = true
    void look().finally(() => {
      looking = false
    })
  })
}

const named = ({ cert, key, ca }: CertificateFiles): string[] =>
  ca === null ? [cert, key] : [cert, key, ca]

function checked(files: CertificateFiles, octets: readonly Buffer[]): TlsOptions {
  const [cert, key, ca] = octets
  const options: TlsOptions = {
    minVersion: 'TLSv1.2',
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    const reason = (error as Error).message
    throw new Error(`${files.cert} and ${files.key} make no certificate: ${reason}`, {
      cause: error,
    })
  }
  return options
}

function contentsOf({ cert, key, ca }: TlsOptions): string {
  const parts = [cert, key, ca].filter(part => part !== undefined) as Buffer[]
  return Buffer.concat(parts).toString('latin1')
}
