import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { addressText } from '../src/base/address.js'
import { readDocument } from '../src/config/document.js'
import { ConfigError, type FileError } from '../src/config/file-error.js'
import { resolveSecret } from '../src/config/load.js'
import { inOrder, readBy } from '../src/config/problems.js'
import * as v from '../src/config/values.js'
import type { Secret } from '../src/policy/settings.js'

/** A running cluster, as a drill finds it: where its nodes are, and how they are broken and mended. */
export interface NodesFile {
  /** As the user gave it. */
  file: string
  /** Where commands run, absolute. */
  directory: string
  nodes: NodeEntry[]
  /** Of the load clients: each needs an account of its own, for receipts go to any of its sessions. */
  accounts: { resident: Login; roaming: Login | null }
  /** Destination and source of the load's messages; `#` stands for digits of the message's number. */
  load: { to: string | null; from: string | null }
  /** The connector that carries the load; null: the first one of the gateway settings. */
  connector: string | null
  /** URL of the status port of `carillon smsc-sim`; null: the SMSC is a real one. */
  smsc: string | null
}

export interface NodeEntry {
  id: number
  /** URL without a slash at its end. */
  http: string
  /** host:port. */
  smpp: string
  apiKey: string | null
  /** Holds the pid of a node on this machine, for signals; null: there are commands. */
  pidFile: string | null
  kill: string | null
  pause: string | null
  continue: string | null
  stop: string | null
  start: string | null
}

export interface Login {
  systemId: string
  password: string
}

/** Reads nodes.yaml; see deploy/example/nodes.yaml. @throws ConfigError with every mistake */
export function loadNodesFile(file: string): NodesFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const message = missing ? 'there is no such file' : (cause as Error).message
    throw new ConfigError([{ file, line: 0, column: 0, key: '', message }], { cause })
  }
  return parseNodesFile(text, file)
}

/**
 * @param file     as the user gave it; relative paths count from its directory
 * @param resolveTo  finds the secret behind env or file
 * @throws ConfigError with every mistake
 */
export function parseNodesFile(
  text: string,
  file: string,
  resolveTo: (secret: Secret) => { kind: string } = resolveSecret,
): NodesFile {
  const directory = dirname(resolve(file))
  const document = readDocument(text, file)
  const read = readBy(schema(directory), document)
  const errors: FileError[] = []
  const wrong = (path: PropertyKey[], message: string): void =>
    void errors.push(document.errorAt(path, message))
  const secretAt = (from: SecretFrom, path: PropertyKey[]): string | null => {
    const { env, file } = from
    if ((env === undefined) === (file === undefined)) {
      wrong(path, 'expected env or file, one of them')
      return null
    }
    try {
      const secret: Secret =
        env !== undefined ? { kind: 'env', name: env } : { kind: 'file', path: file ?? '' }
      const found = resolveTo(secret)
      return 'value' in found ? String(found.value) : null
    } catch (error) {
      wrong(path, (error as Error).message.replace('passwordFrom.', ''))
      return null
    }
  }
  const login = (given: GivenLogin, path: PropertyKey[]): Login => {
    const { systemId, password, passwordFrom } = given
    if ((password === undefined) === (passwordFrom === null)) {
      wrong([...path, 'password'], 'expected password, or passwordFrom with env or file')
    }
    const secret =
      passwordFrom === null ? password : secretAt(passwordFrom, [...path, 'passwordFrom'])
    return { systemId, password: secret ?? '' }
  }
  const keyOfAll = read.apiKeyFrom === null ? null : secretAt(read.apiKeyFrom, ['apiKeyFrom'])
  const nodes = read.nodes.map(({ apiKeyFrom, smpp, ...node }, i): NodeEntry => {
    const key = apiKeyFrom === null ? keyOfAll : secretAt(apiKeyFrom, ['nodes', i, 'apiKeyFrom'])
    return { ...node, smpp: addressText(smpp), apiKey: key }
  })
  nodes.forEach(({ id, pause, continue: goOn }, i) => {
    if (nodes.findIndex(node => node.id === id) < i)
      wrong(['nodes', i, 'id'], `node ${id} is listed twice`)
    if (pause !== null && goOn === null)
      wrong(['nodes', i, 'pause'], 'without continue the node would stay paused')
  })
  const { resident, roaming } = read.accounts
  if (roaming?.systemId === resident.systemId) {
    wrong(['accounts', 'roaming', 'systemId'], 'expected another account than that of resident')
  }
  const { load, connector, smsc } = read
  if (smsc === null && load.to === null) {
    wrong(
      ['load'],
      'load.to is missing: without smsc (the status port of our simulator) messages leave for real ' +
        'numbers; name one that may get them',
    )
  }
  const accounts = {
    resident: login(resident, ['accounts', 'resident']),
    roaming: roaming === null ? null : login(roaming, ['accounts', 'roaming']),
  }
  if (errors.length > 0) throw new ConfigError(inOrder(errors))
  return { file, directory, nodes, accounts, load, connector, smsc }
}

interface SecretFrom {
  env?: string | undefined
  file?: string | undefined
}

interface GivenLogin {
  systemId: string
  password?: string | undefined
  passwordFrom: SecretFrom | null
}

/** `http://n1:8081`, or `n1:8081`. */
const url = v.value('a URL such as http://127.0.0.1:8081', text => {
  const whole = /^https?:\/\//.test(text) ? text : `http://${text}`
  return URL.canParse(whole) ? whole.replace(/\/+$/, '') : undefined
})

const number = v.value('digits, and # for digits of the number of the message', text =>
  /^[\d#]{1,20}$/.test(text) ? text : undefined,
)

function schema(directory: string) {
  const command = v.orNull(v.text(1, 4_000))
  const path = v.path(directory)
  const secretFrom = v.optionalSection({
    env: v.text(1, 200).optional(),
    file: path.optional(),
  })
  const account = {
    systemId: v.text(1, 64),
    password: v.secretText(0, 64).optional(),
    passwordFrom: secretFrom,
  }
  return v.section({
    nodes: v.list(
      v.section({
        id: v.count(1, 65_535),
        http: url,
        smpp: v.address,
        apiKeyFrom: secretFrom,
        pidFile: v.orNull(path),
        kill: command,
        pause: command,
        continue: command,
        stop: command,
        start: command,
      }),
      { least: 1, expected: 'a list of nodes' },
    ),
    apiKeyFrom: secretFrom,
    accounts: v.section({
      resident: v.section(account),
      roaming: v.optionalSection(account),
    }),
    load: v.section({ to: v.orNull(number), from: v.orNull(number) }),
    connector: v.orNull(v.identifier),
    smsc: v.orNull(url),
  })
}
