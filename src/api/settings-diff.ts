import type { GatewaySettings, Secret } from '../policy/settings.js'
import type { SettingsChange } from './shapes.js'

/** What differs from one revision to another; secrets are shown as `***`. */
export function settingsDiff(from: GatewaySettings, to: GatewaySettings): SettingsChange[] {
  const changes: SettingsChange[] = []
  const lists = [
    ['accounts', from.accounts, to.accounts, (a: { systemId: string }) => a.systemId],
    ['connectors', from.connectors, to.connectors, (c: { id: string }) => c.id],
    ['routes', from.routes, to.routes, (r: { name: string }) => r.name],
    ['moRoutes', from.moRoutes, to.moRoutes, (r: { name: string }) => r.name],
    ['tlvs', from.tlvs ?? [], to.tlvs ?? [], (tlv: { name: string }) => tlv.name],
    ['distributionLists', from.distributionLists ?? [], to.distributionLists ?? [], listKey],
  ] as [string, object[], object[], (item: object) => string][]
  for (const [name, before, after, keyOf] of lists)
    changes.push(...listDiff(name, before, after, keyOf))
  for (const key of ['retentionMs', 'validityMs'] as const)
    if (from[key] !== to[key]) changes.push({ kind: 'changed', key, from: from[key], to: to[key] })
  if (JSON.stringify(from.bans) !== JSON.stringify(to.bans))
    changes.push({ kind: 'changed', key: 'bans', from: from.bans ?? null, to: to.bans ?? null })
  return changes
}

const listKey = ({ account, name }: { account: string | null; name: string }): string =>
  account === null ? name : `${account}.${name}`

/** The same settings without their secrets. */
export function masked(settings: GatewaySettings): GatewaySettings {
  return {
    ...settings,
    accounts: settings.accounts.map(account => ({
      ...account,
      password: maskedSecret(account.password),
      ...(account.outbind === undefined
        ? {}
        : {
            outbind: {
              ...account.outbind,
              password: maskedSecret(account.outbind.password),
            },
          }),
    })),
    connectors: settings.connectors.map(c => ({ ...c, password: maskedSecret(c.password) })),
  }
}

const MASK = '***'

function maskedSecret(secret: Secret): Secret {
  switch (secret.kind) {
    case 'plain':
      return { kind: 'plain', value: MASK }
    case 'argon2id':
      return { kind: 'argon2id', hash: MASK }
    case 'sealed':
      return { kind: 'sealed', box: MASK }
    default:
      return secret // names where the password is, not what it is
  }
}

function listDiff(
  name: string,
  before: readonly object[],
  after: readonly object[],
  keyOf: (item: object) => string,
): SettingsChange[] {
  const changes: SettingsChange[] = []
  const old = new Map(before.map(item => [keyOf(item), item]))
  const now = new Map(after.map(item => [keyOf(item), item]))
  for (const [key, item] of old)
    if (!now.has(key)) changes.push({ kind: 'removed', key: `${name}.${key}`, from: shown(item) })
  for (const [key, item] of now) {
    const earlier = old.get(key)
    if (earlier === undefined)
      changes.push({ kind: 'added', key: `${name}.${key}`, to: shown(item) })
    else changes.push(...itemDiff(`${name}.${key}`, earlier, item))
  }
  // The first route that matches wins, so their order counts.
  const kept = (all: Map<string, object>, other: Map<string, object>): string[] =>
    [...all.keys()].filter(key => other.has(key))
  const from = kept(old, now)
  const to = kept(now, old)
  if (JSON.stringify(from) !== JSON.stringify(to))
    changes.push({ kind: 'changed', key: `${name} order`, from, to })
  return changes
}

function itemDiff(key: string, before: object, after: object): SettingsChange[] {
  const old = before as Record<string, unknown>
  const now = after as Record<string, unknown>
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap(field => {
    if (JSON.stringify(old[field]) === JSON.stringify(now[field])) return []
    const value = (of: Record<string, unknown>): unknown =>
      (shown({ [field]: of[field] }) as Record<string, unknown>)[field]
    return {
      kind: 'changed',
      key: `${key}.${field}`,
      from: value(old),
      to: value(now),
    } satisfies SettingsChange
  })
}

/** Without its passwords, an outbind's too. */
function shown(item: object): object {
  const masked = 'password' in item ? { ...item, password: MASK } : item
  const { outbind } = item as { outbind?: unknown }
  return typeof outbind === 'object' && outbind !== null
    ? { ...masked, outbind: { ...outbind, password: MASK } }
    : masked
}
