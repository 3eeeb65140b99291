import type {
  AccountView,
  ConnectorView,
  InDoubtView,
  MessageView,
  SessionView,
  SettingsView,
  SmscIdForm,
} from '../api/shapes.js'
import { suggestion } from '../config/nearest.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import type { NodeClient } from './node-client.js'
import { SESSION_COLUMNS } from './sessions.js'
import { CONNECTOR_COLUMNS } from './status.js'
import { jsonText, tableText, type Columns, type OutputForm } from './table.js'

export const GETTABLE = [
  'sessions',
  'connectors',
  'accounts',
  'routes',
  'settings',
  'in-doubt',
  'messages',
] as const
export type Gettable = (typeof GETTABLE)[number]

/** `carillon get WHAT [ID]`. `text`: of a message, what it says too. */
export async function get(
  client: NodeClient,
  what: Gettable,
  id: string | undefined,
  { output, text }: { output: OutputForm; text: boolean },
  io: Io,
): Promise<void> {
  if (text && what !== 'messages')
    throw new CommandFailed(EXIT.usage, '--text is for get messages ID')
  const show = <T>(rows: readonly T[], columns: Columns<T>): void => {
    io.out(output === 'json' ? jsonText(rows) : tableText(rows, columns, io.paint))
  }
  const listed = async <T>(key: (item: T) => string): Promise<T[]> => {
    const items = await client.list<T>(`/api/v1/${what}`)
    if (id === undefined) return items
    const found = items.filter(item => key(item) === id)
    if (found.length === 0) {
      const near = suggestion(id, items.map(key))
      throw new CommandFailed(EXIT.negative, `${what}: there is no ${id}${near}`)
    }
    return found
  }
  switch (what) {
    case 'sessions': {
      show(await listed<SessionView>(session => session.id), SESSION_COLUMNS)
      return
    }
    case 'connectors': {
      show(await listed<ConnectorView>(connector => connector.id), CONNECTOR_COLUMNS)
      return
    }
    case 'accounts': {
      show(await listed<AccountView>(account => account.systemId), ACCOUNT_COLUMNS)
      return
    }
    case 'in-doubt': {
      show(await listed<InDoubtView>(message => message.id), IN_DOUBT_COLUMNS)
      return
    }
    case 'messages':
      return getMessage(client, id, { output, text }, io)
    case 'settings':
      io.out(jsonText(await settings(client, id)))
      return
    case 'routes': {
      const { routes, moRoutes } = (await settings(client, undefined)).settings
      if (output === 'json') io.out(jsonText({ routes, moRoutes }))
      else io.out(routesText(routes, moRoutes, io))
      return
    }
  }
}

/** The events of a message, a line each: `2024-01-02T03:04:05.678Z  sent  smsc-a`. */
export function messageText(message: MessageView, paint: Io['paint']): string {
  return [
    `message   ${message.id}`,
    `state     ${paint.bold(message.state)}${message.stat === null ? '' : ` (receipt ${message.stat})`}`,
    `account   ${message.account}`,
    `connector ${message.connector ?? 'none'}`,
    `SMSC id   ${message.smscId ?? 'none yet'}${smscIdForms(message)}`,
    ...(message.replaced ? ['replaced  by replace_sm: not the text that was submitted'] : []),
    ...contentLines(message.content),
    '',
    tableText(
      message.events,
      { at: event => event.at, state: event => event.state, detail: event => event.detail ?? '' },
      paint,
    ),
  ].join('\n')
}

/** Text as a JSON string: what people write must not steer the terminal. */
function contentLines(content: MessageView['content']): string[] {
  if (content === undefined) return []
  if (content === null) return ['text      not kept any more']
  const { text, alphabet, mwi, part } = content
  const coding = [
    alphabet,
    ...(content.class === undefined ? [] : [`class ${content.class}`]),
    ...(mwi === undefined ? [] : [`${mwi.kind} waiting: ${mwi.active ? 'yes' : 'no'}`]),
    ...(part === undefined ? [] : [`part ${part}`]),
  ]
  return [
    `text      ${text === null ? 'none that can be shown' : JSON.stringify(text)}`,
    `coding    ${coding.join(', ')}`,
  ]
}

/** How the SMSC writes the id, where that is not as it is compared. */
function smscIdForms({ smscIdForms }: MessageView): string {
  if (smscIdForms === null) return ''
  const { submit, receipt } = smscIdForms
  const form = ({ format, id }: SmscIdForm): string => `${id} (${format})`
  return ` as it is compared; submit_sm_resp ${form(submit)}, receipt ${form(receipt)}`
}

async function getMessage(
  client: NodeClient,
  id: string | undefined,
  { output, text }: { output: OutputForm; text: boolean },
  io: Io,
): Promise<void> {
  if (id === undefined) {
    throw new CommandFailed(EXIT.usage, 'get messages needs the id: ./carillon get messages ID')
  }
  const path = `/api/v1/messages/${encodeURIComponent(id)}${text ? '?text=true' : ''}`
  const message = await client.get<MessageView>(path)
  io.out(output === 'json' ? jsonText(message) : messageText(message, io.paint))
}

function settings(client: NodeClient, revision: string | undefined): Promise<SettingsView> {
  const query = revision === undefined ? '' : `?revision=${encodeURIComponent(revision)}`
  return client.get<SettingsView>(`/api/v1/settings${query}`)
}

function routesText(
  routes: SettingsView['settings']['routes'],
  moRoutes: SettingsView['settings']['moRoutes'],
  { paint }: Io,
): string {
  return [
    tableText(
      routes,
      {
        route: route => route.name,
        destination: route => `${route.match.destinationPrefix}*`,
        source: route => `${route.match.sourcePrefix}*`,
        account: route => route.match.account ?? 'any',
        to: route => route.to.join(' → '),
      },
      paint,
    ),
    '',
    tableText(
      moRoutes,
      {
        'MO route': route => route.name,
        connector: route => route.match.connector ?? 'any',
        destination: route => `${route.match.destinationPrefix}*`,
        source: route => `${route.match.sourcePrefix}*`,
        to: route => route.to,
      },
      paint,
    ),
  ].join('\n')
}

const ACCOUNT_COLUMNS: Columns<AccountView> = {
  account: account => account.systemId,
  enabled: account => (account.enabled ? 'yes' : 'no'),
  sessions: account => `${account.sessions}/${account.maxSessions}`,
  queued: account => account.queued,
  'queue limit': account => account.queueLimit,
  'receipts queued': account => account.receiptsQueued,
  'delivered by': account =>
    account.deliveryOwner === null ? 'none' : `node ${account.deliveryOwner}`,
}

const IN_DOUBT_COLUMNS: Columns<InDoubtView> = {
  message: message => message.id,
  connector: message => message.connector,
  account: message => message.account,
  since: message => message.since,
  policy: message => message.policy,
}
