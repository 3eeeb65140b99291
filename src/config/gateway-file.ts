import { z } from 'zod'
import type {
  Account,
  BanSettings,
  Connector,
  DistributionList,
  GatewaySettings,
  InDoubtPolicy,
  MoRoute,
  Outbind,
  Route,
  Secret,
} from '../policy/settings.js'
import {
  DESTINATIONS_MAX,
  LONG_MO_TIMEOUT_MS,
  TRANSACTION_TIMEOUT_MS,
  withEnabled,
} from '../policy/settings.js'
import { DEFAULT_ALPHABETS } from '../text/alphabets.js'
import { durationMs } from './duration.js'
import { readDocument } from './document.js'
import { ConfigError, keyText, type FileError } from './file-error.js'
import { crossCheck } from './gateway-checks.js'
import { inOrder, readBy } from './problems.js'
import {
  accountTlvs,
  connectorTlvs,
  tlvActionsOf,
  tlvRegistry,
  vendorTlvOf,
} from './tlv-settings.js'
import * as v from './values.js'

export interface GatewayFileOptions {
  /** For messages. */
  file: string
  /**
   * Where relative paths count from; null where the file came over HTTP: then only absolute ones
   * are taken, for the node reads them on its own disk.
   */
  directory: string | null
}

/**
 * Reads a gateway file. Passwords come back as they stand there (`plain`, `env`, `file`).
 *
 * @returns  the settings, and what is odd but no mistake
 * @throws ConfigError with every mistake
 */
export function parseGatewayFile(
  text: string,
  options: GatewayFileOptions,
): { settings: GatewaySettings; warnings: FileError[] } {
  const document = readDocument(text, options.file)
  const read = readBy(gatewaySchema(options.directory), document)
  const errors: FileError[] = []
  const warnings: FileError[] = []
  const secret = (given: GivenSecret, path: PropertyKey[]): Secret => {
    const [chosen, mistake] = secretOf(given)
    if (mistake !== undefined) errors.push(document.errorAt(path, mistake))
    return chosen
  }
  const outbindOf = (
    given: NonNullable<(typeof read.accounts)[number]['outbind']>,
    path: PropertyKey[],
  ): Outbind => {
    const { password, passwordFrom, ...rest } = given
    return { ...rest, password: secret({ password, passwordFrom }, [...path, 'password']) }
  }
  const lists: DistributionList[] = read.distributionLists
  const settings: GatewaySettings = {
    accounts: read.accounts.map((account, i): Account => {
      const { password, passwordFrom, throughput, receiptTtl, resubmissionWindow, ...others } =
        account
      const { outbind, enabled, tooManySessions, defaultAlphabet, throughputCounts, ...some } =
        others
      const { tlvs, transactionTimeout, longMo, longMoTimeout, ...more } = some
      const { enquireLinkMs, inactivityTimeoutMs, responseTimeoutMs, ...rest } = more
      const whole: Account = {
        ...rest,
        password: secret({ password, passwordFrom }, ['accounts', i, 'password']),
        throughputPerSecond: throughput,
        ...(throughputCounts === 'destinations' ? {} : { throughputCounts }),
        receiptTtlMs: receiptTtl,
        resubmissionWindowMs: resubmissionWindow,
        // absent, not null: settings from before there were any are the same
        ...given({ enquireLinkMs, inactivityTimeoutMs, responseTimeoutMs }),
        ...(tooManySessions === 'ESME_RALYBND' ? {} : { tooManySessions }),
        ...(transactionTimeout === TRANSACTION_TIMEOUT_MS
          ? {}
          : { transactionTimeoutMs: transactionTimeout }),
        ...(longMo === 'asGiven' ? {} : { longMo }),
        ...(longMoTimeout === LONG_MO_TIMEOUT_MS ? {} : { longMoTimeoutMs: longMoTimeout }),
        ...(defaultAlphabet === 'gsm7' ? {} : { defaultAlphabet }),
        ...tlvActionsOf(tlvs),
        ...(outbind === null ? {} : { outbind: outbindOf(outbind, ['accounts', i, 'outbind']) }),
      }
      return withEnabled(whole, enabled)
    }),
    connectors: read.connectors.map((connector, i): Connector => {
      const { password, passwordFrom, throughput, otherHosts, validityPeriod, ...others } =
        connector
      const { defaultAlphabet, otherCharacters, longMessages, partReceipts, ...more } = others
      const { tlvs, throughputCounts, ...rest } = more
      return {
        ...rest,
        ...(otherHosts.length === 0 ? {} : { otherHosts }),
        ...(validityPeriod === 'asGiven' ? {} : { validityPeriod }),
        ...(defaultAlphabet === 'gsm7' ? {} : { defaultAlphabet }),
        ...(otherCharacters === 'ucs2' ? {} : { otherCharacters }),
        ...(longMessages === 'asGiven' ? {} : { longMessages }),
        ...(partReceipts === 'each' ? {} : { partReceipts }),
        ...tlvActionsOf(tlvs),
        password: secret({ password, passwordFrom }, ['connectors', i, 'password']),
        throughputPerSecond: throughput,
        ...(throughputCounts === 'pdus' ? {} : { throughputCounts }),
      }
    }),
    routes: read.routes.map(({ name, match, to }): Route => ({
      name,
      match: {
        destinationPrefix: match.destination.prefix,
        sourcePrefix: match.source.prefix,
        account: match.account,
      },
      to,
    })),
    moRoutes: read.moRoutes.map(({ name, match, to }): MoRoute => ({
      name,
      match: {
        connector: match.connector,
        destinationPrefix: match.destination.prefix,
        sourcePrefix: match.source.prefix,
      },
      to,
    })),
    ...(lists.length === 0 ? {} : { distributionLists: lists }),
    ...(read.tlvs.length === 0 ? {} : { tlvs: read.tlvs.map(vendorTlvOf) }),
    retentionMs: read.retention,
    validityMs: read.validity,
    ...(read.bans === null ? {} : { bans: bansOf(read.bans) }),
  }
  for (const { path, message, severity } of crossCheck(settings, lineOf)) {
    const list = severity === 'error' ? errors : warnings
    list.push(document.errorAt(path, message))
  }
  if (errors.length > 0) throw new ConfigError(inOrder(errors))
  return { settings, warnings }

  function lineOf(path: readonly PropertyKey[]): string {
    const { line } = document.errorAt(path, '')
    return line > 0 ? `line ${line}` : keyText(path)
  }
}

const bindType = v.choice('trx', 'tx', 'rx')
const defaultAlphabet = v.choice(...DEFAULT_ALPHABETS).default('gsm7')
const prefix = v.section({ prefix: v.text(0, 21).default('') })
const idFormat = v.choice('text', 'hex', 'dec').default('text')
const statusName = /^(ESME_[A-Z0-9_]{1,40}|0x[0-9A-Fa-f]{8})$/

/** What is done when nobody knows whether the SMSC has a message: `resend`, `hold`, `wait 30s`. */
const inDoubt = v.value('resend, hold or wait 30s', (text): InDoubtPolicy | undefined => {
  if (text === 'resend' || text === 'hold') return { kind: text }
  const [, after = ''] = /^wait\s+(\S+)$/.exec(text) ?? []
  const ms = durationMs(after)
  return ms === undefined ? undefined : { kind: 'wait', ms }
})

function gatewaySchema(directory: string | null) {
  const secrets = {
    password: v.secretText(0, 512).optional(),
    passwordFrom: v.optionalSection({
      env: v.text(1, 200).optional(),
      file: v.path(directory).optional(),
    }),
  }
  const tls = v.optionalSection({
    ca: v.orNull(v.path(directory)),
    serverName: v.orNull(v.host),
    cert: v.orNull(v.path(directory)),
    key: v.orNull(v.path(directory)),
  })
  return v.section({
    accounts: v.list(
      v.section({
        systemId: v.text(1, 1000),
        ...secrets,
        bindTypes: v
          .list(bindType, { least: 1, expected: 'a list of trx, tx, rx' })
          .prefault(['trx', 'tx', 'rx']),
        maxSessions: v.count(1, 100_000).default(10),
        tooManySessions: v.choice('ESME_RALYBND', 'ESME_RBINDFAIL').default('ESME_RALYBND'),
        window: v.count(1, 100_000).default(100),
        throughput: v.rate.prefault('unlimited'),
        throughputCounts: v.choice('pdus', 'segments', 'destinations').default('destinations'),
        allowFrom: v.list(v.cidr, { expected: 'a list of address ranges' }),
        queueLimit: v.count(1).default(10_000_000),
        moLimit: v.count(0).default(100_000),
        receiptLimit: v.count(1).default(10_000_000),
        receiptTtl: v.duration(1000).default(3 * DAY_MS),
        resubmissionWindow: v.duration().default(0),
        transactionTimeout: v.duration(1000).default(TRANSACTION_TIMEOUT_MS),
        longMo: v.choice('asGiven', 'whole').default('asGiven'),
        longMoTimeout: v.duration(1000).default(LONG_MO_TIMEOUT_MS),
        messageIdStyle: v.choice('long', 'short').default('long'),
        defaultAlphabet,
        tlvs: accountTlvs,
        enquireLinkMs: v.count(1000, 3_600_000).optional(),
        inactivityTimeoutMs: v.count(2000, 7_200_000).optional(),
        responseTimeoutMs: v.count(1000, 600_000).optional(),
        outbind: v.optionalSection({
          host: v.host,
          port: v.count(1, 65_535),
          systemId: v.text(0, 1000).default('carillon'),
          ...secrets,
          tls,
        }),
        enabled: v.flag.default(true),
      }),
      { expected: 'a list of accounts' },
    ),
    connectors: v.list(
      v.section({
        id: v.identifier,
        host: v.host,
        port: v.count(1, 65_535).default(2776),
        otherHosts: v.list(v.address, { expected: 'a list of host:port' }),
        systemId: v.text(0, 1000).default('carillon'),
        ...secrets,
        systemType: v.text(0, 12).default(''),
        bindType: v.choice('trx', 'tx', 'rx', 'tx+rx').default('trx'),
        binds: v.count(1, 1000).default(1),
        window: v.count(1, 100_000).default(100),
        throughput: v.rate.prefault('unlimited'),
        throughputCounts: v.choice('pdus', 'segments').default('pdus'),
        inDoubt: inDoubt.default({ kind: 'wait', ms: 30_000 }),
        nodes: v.list(v.count(1, 65_535), { expected: 'a list of node ids' }),
        localAddress: v.orNull(v.host),
        tls,
        messageIdFormat: v.section({ submit: idFormat, receipt: idFormat }),
        validityPeriod: v.choice('asGiven', 'strip').default('asGiven'),
        defaultAlphabet,
        otherCharacters: v.choice('ucs2', 'questionMark').default('ucs2'),
        longMessages: v.choice('asGiven', 'udh8', 'udh16', 'sar').default('asGiven'),
        partReceipts: v.choice('each', 'one').default('each'),
        tlvs: connectorTlvs,
        errors: v.table(statusName, 'a command_status such as ESME_RSUBMITFAIL', {
          words: ['temporary', 'permanent'],
        }),
        enquireLinkMs: v.count(100, 3_600_000).default(30_000),
        responseTimeoutMs: v.count(100, 600_000).default(10_000),
        bindTimeoutMs: v.count(100, 600_000).default(10_000),
      }),
      { expected: 'a list of connectors' },
    ),
    routes: v.list(
      v.section({
        name: v.identifier,
        match: v.section({
          destination: prefix,
          source: prefix,
          account: v.orNull(v.text(1, 1000)),
        }),
        to: v.list(v.identifier, { least: 1, expected: 'a list of connectors' }),
      }),
      { expected: 'a list of routes' },
    ),
    moRoutes: v.list(
      v.section({
        name: v.identifier,
        match: v.section({
          connector: v.orNull(v.identifier),
          destination: prefix,
          source: prefix,
        }),
        to: v.text(1, 1000),
      }),
      { expected: 'a list of routes' },
    ),
    distributionLists: v.list(
      v.section({
        name: v.text(1, ADDRESS_OCTETS),
        account: v.orNull(v.text(1, 1000)),
        ton: v.count(0, 255).default(1),
        npi: v.count(0, 255).default(1),
        members: v.list(v.text(1, ADDRESS_OCTETS), {
          least: 1,
          most: DESTINATIONS_MAX,
          expected: 'a list of addresses',
        }),
      }),
      { expected: 'a list of distribution lists' },
    ),
    tlvs: tlvRegistry,
    retention: v.duration().default(3_600_000),
    validity: v.duration(1000).default(3 * DAY_MS),
    bans: v.optionalSection({
      failures: v.count(2, 1000).default(20),
      within: v.duration(1000).default(10 * MINUTE_MS),
      for: v.duration(1000).default(15 * MINUTE_MS),
    }),
  }) satisfies z.ZodType
}

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
/** A dl_name or an address, without its NUL. SMPP 3.4 §4.5.1. */
const ADDRESS_OCTETS = 20

const bansOf = (given: { failures: number; within: number; for: number }): BanSettings => ({
  failures: given.failures,
  withinMs: given.within,
  forMs: given.for,
})

/** Those that the file gives. */
function given<K extends string>(
  values: Record<K, number | undefined>,
): Partial<Record<K, number>> {
  const found = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(found) as Partial<Record<K, number>>
}

interface GivenSecret {
  password: string | undefined
  passwordFrom: { env?: string | undefined; file?: string | undefined } | null
}

/** The secret, and what is wrong with the way it is given. */
function secretOf({ password, passwordFrom }: GivenSecret): [Secret, string?] {
  const plain: Secret = { kind: 'plain', value: password ?? '' }
  const { env, file } = passwordFrom ?? {}
  const given = [password, env, file].filter(text => text !== undefined).length
  if (given === 0) return [plain, 'is missing: expected password, or passwordFrom with env or file']
  if (given > 1)
    return [plain, 'is given twice: expected one of password, passwordFrom.env, passwordFrom.file']
  if (password === '***') return [plain, 'is the mask that stands for a password, not a password']
  if (env !== undefined) return [{ kind: 'env', name: env }]
  if (file !== undefined) return [{ kind: 'file', path: file }]
  if (password?.startsWith('$argon2id$') === true) return [{ kind: 'argon2id', hash: password }]
  return [plain]
}
