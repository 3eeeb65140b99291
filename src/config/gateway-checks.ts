import { addressText } from '../base/address.js'
import type { ConnectorTls, GatewaySettings, Secret } from '../policy/settings.js'
import { suggestion } from './nearest.js'
import { tlvFindings } from './tlv-settings.js'

/** Of all distribution lists together: settings are one entry of the log, and each revision is kept whole. */
const MEMBERS_MAX = 20_000

/** What the entries of a gateway file say about each other. */
export interface Finding {
  severity: 'error' | 'warning'
  path: PropertyKey[]
  message: string
}

/** @param lineOf  words for where another entry stands: `line 12` */
export function crossCheck(
  settings: GatewaySettings,
  lineOf: (path: readonly PropertyKey[]) => string,
): Finding[] {
  const { accounts, connectors, routes, moRoutes, distributionLists = [] } = settings
  const systemIds = accounts.map(account => account.systemId)
  const connectorIds = connectors.map(connector => connector.id)
  const found: Finding[] = [
    ...duplicates('accounts', 'systemId', systemIds, lineOf),
    ...duplicates('connectors', 'id', connectorIds, lineOf),
    ...duplicates('routes', 'name', names(routes), lineOf),
    ...duplicates('moRoutes', 'name', names(moRoutes), lineOf),
    ...accounts.flatMap((account, i) => logins(['accounts', i], account)),
    ...connectors.flatMap((connector, i) => logins(['connectors', i], connector)),
    ...connectors.flatMap(({ tls }, i) => certificates(['connectors', i, 'tls'], tls)),
    ...tlvFindings(settings, lineOf),
  ]
  const knows = (known: string[], what: string, name: string | null, path: PropertyKey[]): void => {
    if (name === null || known.includes(name)) return
    found.push({ severity: 'error', path, message: `no ${what} ${name}${suggestion(name, known)}` })
  }
  accounts.forEach(({ enquireLinkMs, inactivityTimeoutMs }, i) => {
    if (enquireLinkMs === undefined || inactivityTimeoutMs === undefined) return
    if (inactivityTimeoutMs > enquireLinkMs) return
    const path = ['accounts', i, 'inactivityTimeoutMs']
    found.push({ severity: 'error', path, message: 'expected more than enquireLinkMs' })
  })
  accounts.forEach(({ outbind, bindTypes }, i) => {
    if (outbind === undefined) return
    const path = ['accounts', i, 'outbind']
    found.push(...logins(path, outbind), ...certificates([...path, 'tls'], outbind.tls))
    if (bindTypes.every(type => type === 'tx')) {
      const message = 'asks for a receiver session, which bindTypes does not allow'
      found.push({ severity: 'error', path, message })
    }
  })
  connectors.forEach(({ nodes }, i) => {
    nodes.forEach((node, j) => {
      if (nodes.indexOf(node) === j) return
      const path = ['connectors', i, 'nodes', j]
      found.push({ severity: 'error', path, message: `node ${node} is listed twice` })
    })
  })
  connectors.forEach(({ host, port, otherHosts = [] }, i) => {
    const all = [{ host, port }, ...otherHosts].map(addressText)
    all.forEach((address, j) => {
      if (all.indexOf(address) === j) return
      const path = ['connectors', i, 'otherHosts', j - 1]
      found.push({ severity: 'error', path, message: `${address} is listed twice` })
    })
  })
  routes.forEach(({ to, match }, i) => {
    to.forEach((id, j) => {
      const path = ['routes', i, 'to', j]
      knows(connectorIds, 'connector', id, path)
      if (connectors.find(connector => connector.id === id)?.bindType !== 'rx') return
      const message = `connector ${id} has receivers only (bindType: rx): nothing can be sent to it`
      found.push({ severity: 'error', path, message })
    })
    knows(systemIds, 'account', match.account, ['routes', i, 'match', 'account'])
  })
  moRoutes.forEach(({ to, match }, i) => {
    knows(systemIds, 'account', to, ['moRoutes', i, 'to'])
    knows(connectorIds, 'connector', match.connector, ['moRoutes', i, 'match', 'connector'])
  })
  const membersOfAll = distributionLists.reduce((sum, { members }) => sum + members.length, 0)
  if (membersOfAll > MEMBERS_MAX) {
    const message = `${membersOfAll} members in all; at most ${MEMBERS_MAX}`
    found.push({ severity: 'error', path: ['distributionLists'], message })
  }
  const firstOf = new Map<string, number>() // there may be 20,000
  distributionLists.forEach(({ name, account, members }, i) => {
    knows(systemIds, 'account', account, ['distributionLists', i, 'account'])
    const key = JSON.stringify([account, name])
    const same = firstOf.get(key)
    if (same === undefined) firstOf.set(key, i)
    else {
      const message = `${name} is used already, in ${lineOf(['distributionLists', same, 'name'])}`
      found.push({ severity: 'error', path: ['distributionLists', i, 'name'], message })
    }
    members.forEach((member, j) => {
      if (members.indexOf(member) === j) return
      const path = ['distributionLists', i, 'members', j]
      found.push({ severity: 'error', path, message: `${member} is listed twice` })
    })
  })
  if (accounts.length > 0 && routes.length === 0) {
    const message = 'there are accounts but no routes: every submit is refused'
    found.push({ severity: 'warning', path: ['routes'], message })
  }
  return found
}

const names = (routes: readonly { name: string }[]): string[] => routes.map(({ name }) => name)

function duplicates(
  list: string,
  key: string,
  values: readonly string[],
  lineOf: (path: readonly PropertyKey[]) => string,
): Finding[] {
  return values.flatMap((value, i): Finding[] => {
    const first = values.indexOf(value)
    if (first === i) return []
    const message = `${value} is used already, in ${lineOf([list, first, key])}`
    return [{ severity: 'error', path: [list, i, key], message }]
  })
}

/** SMPP 3.4 §5.2.1, §5.2.2: system_id has at most 15 octets and a NUL, password 8 and a NUL. */
function logins(at: PropertyKey[], login: { systemId: string; password: Secret }): Finding[] {
  const found: Finding[] = []
  const octets = Buffer.byteLength(login.systemId)
  if (octets > 15) {
    const message = `${login.systemId} has ${octets} octets; SMPP carries at most 15`
    found.push({ severity: 'error', path: [...at, 'systemId'], message })
  }
  const length = plainLength(login.password)
  if (length > 8) {
    const message = `has ${length} octets; SMPP 3.4 carries at most 8, and peers that keep to it cannot bind`
    found.push({ severity: 'warning', path: [...at, 'password'], message })
  }
  return found
}

function certificates(at: PropertyKey[], tls: ConnectorTls | null | undefined): Finding[] {
  if (tls == null || (tls.cert === null) === (tls.key === null)) return []
  const missing = tls.cert === null ? 'cert' : 'key'
  const message = 'is missing: a certificate and its key come together'
  return [{ severity: 'error', path: [...at, missing], message }]
}

function plainLength(secret: Secret): number {
  return secret.kind === 'plain' ? Buffer.byteLength(secret.value) : 0
}
