import { hash, verify } from '@node-rs/argon2'
import type { PasswordPort } from './ports.js'

/** argon2id on libuv's threads. */
export const argon2Passwords: PasswordPort = {
  verify: (phc, password) => verify(phc, password),
}

/**
 * A salted PHC string for the settings, with the parameters of OWASP's first recommendation (19 MiB, two
 * passes): about 20 ms on one thread.
 */
export function hashPassword(password: string): Promise<string> {
  return hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 })
}
