import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { GatewaySettings, Secret } from '../policy/settings.js'
import { ConfigError, type FileError } from './file-error.js'
import { parseGatewayFile } from './gateway-file.js'
import { parseNodeFile, type NodeConfig } from './node-file.js'

/** Reads a node file from disk, with the process's environment over it. @throws ConfigError */
export function loadNodeFile(
  file: string,
  environment: NodeJS.ProcessEnv = process.env,
): { config: NodeConfig; warnings: string[] } {
  return parseNodeFile(readText(file), { file, environment, exists: existsSync })
}

/** Reads a gateway file from disk. @throws ConfigError */
export function loadGatewayFile(file: string): {
  settings: GatewaySettings
  warnings: FileError[]
} {
  return parseGatewayFile(readText(file), { file, directory: dirname(resolve(file)) })
}

/**
 * The password behind `passwordFrom`; other secrets come back as they are. One newline at the end
 * of a file does not count.
 *
 * @throws Error naming the variable or the file, never the password
 */
export function resolveSecret(
  secret: Secret,
  environment: NodeJS.ProcessEnv = process.env,
): Exclude<Secret, { kind: 'env' | 'file' }> {
  if (secret.kind === 'env') {
    const value = environment[secret.name]
    if (value === undefined) throw new Error(`passwordFrom.env: ${secret.name} is not set here`)
    return { kind: 'plain', value }
  }
  if (secret.kind === 'file') {
    const value = readText(secret.path).replace(/\r?\n$/, '')
    return { kind: 'plain', value }
  }
  return secret
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    const why =
      { ENOENT: 'there is no such file', EACCES: 'this user may not read it' }[code] ?? code
    throw new ConfigError([{ file, line: 0, column: 0, key: '', message: why }], { cause: error })
  }
}
