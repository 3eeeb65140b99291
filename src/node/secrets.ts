import type { Secret, GatewaySettings } from '../policy/settings.js'
import { SettingsMistakes } from '../api/ports.js'
import type { FileError } from '../api/shapes.js'
import type { Passwords } from './machine.js'
import type { Sealing } from './sealing.js'

type Resolved = Exclude<Secret, { kind: 'env' | 'file' }>

/** What makes secrets fit to be replicated, and opens them again. */
export interface SecretsOptions {
  passwords: Passwords
  /** Undefined: connectors' passwords stay plain. */
  sealing: Sealing | undefined
  /** Reads what is in a file or in the environment of this node. @throws Error without the secret */
  resolve(secret: Secret): Resolved
}

/** Passwords on their way into the replicated settings: resolved, then hashed or sealed (DESIGN §5). */
export class Secrets {
  private readonly options: SecretsOptions

  constructor(options: SecretsOptions) {
    this.options = options
  }

  /**
   * The settings with every secret in its stored form. A password that is the same as in `current` keeps the
   * form that it has there, so that the same file given twice is no new revision.
   * @throws SettingsMistakes
   */
  async protect(settings: GatewaySettings, current: GatewaySettings): Promise<GatewaySettings> {
    const mistakes: FileError[] = []
    const resolve = (secret: Secret, key: string): Resolved => {
      try {
        return this.options.resolve(secret)
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        mistakes.push({ file: 'gateway file', line: 0, column: 0, key, message })
        return { kind: 'plain', value: '' }
      }
    }
    const accounts = settings.accounts.map(account => {
      const { systemId, password, outbind } = account
      return {
        account,
        password: resolve(password, `accounts.${systemId}.password`),
        outbindPassword:
          outbind && resolve(outbind.password, `accounts.${systemId}.outbind.password`),
      }
    })
    const connectors = settings.connectors.map(connector => ({
      ...connector,
      password: resolve(connector.password, `connectors.${connector.id}.password`),
    }))
    if (mistakes.length > 0) throw new SettingsMistakes(mistakes)

    const kept = new Map(current.accounts.map(account => [account.systemId, account]))
    const hashed: GatewaySettings['accounts'] = []
    // One after the other: the threads that hash are LevelDB's too.
    for (const { account, password, outbindPassword } of accounts) {
      const before = kept.get(account.systemId)
      const whole = { ...account, password: await this.hashed(password, before?.password) }
      if (account.outbind !== undefined && outbindPassword !== undefined)
        whole.outbind = {
          ...account.outbind,
          password: this.sealed(outbindPassword, before?.outbind?.password),
        }
      hashed.push(whole)
    }
    const sealed = connectors.map(connector => {
      const before = current.connectors.find(({ id }) => id === connector.id)?.password
      return { ...connector, password: this.sealed(connector.password, before) }
    })
    return { ...settings, accounts: hashed, connectors: sealed }
  }

  /**
   * A password that we send, a connector's or an outbind's, in clear.
   * @throws Error where it was sealed under a key that this node does not have
   */
  open(secret: Secret): string {
    if (secret.kind === 'plain') return secret.value
    if (secret.kind !== 'sealed') throw new Error(`a password that we send is ${secret.kind}`)
    const text = this.options.sealing?.open(secret.box, CONTEXT)
    if (text !== undefined) return text
    throw new Error(
      'the password was sealed under another key: node.secretKeyFile must be the same on every node',
    )
  }

  private async hashed(secret: Resolved, before: Secret | undefined): Promise<Secret> {
    if (secret.kind !== 'plain') return secret
    const { passwords } = this.options
    if (before?.kind === 'argon2id' && (await passwords.verify(before.hash, secret.value)))
      return before
    return { kind: 'argon2id', hash: await passwords.hash(secret.value) }
  }

  private sealed(secret: Resolved, before: Secret | undefined): Secret {
    const { sealing } = this.options
    if (secret.kind !== 'plain' || sealing === undefined) return secret
    if (before?.kind === 'sealed' && sealing.open(before.box, CONTEXT) === secret.value)
      return before
    return { kind: 'sealed', box: sealing.seal(secret.value, CONTEXT) }
  }
}

const CONTEXT = 'carillon connector password'
