import type { BanView, LiftResult } from '../api/shapes.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import type { NodeClient } from './node-client.js'
import { jsonText, tableText, type Columns, type OutputForm } from './table.js'

/** `carillon bans`: from which addresses binds of which account are refused. */
export async function bans(
  client: NodeClient,
  account: string | undefined,
  output: OutputForm,
  io: Io,
): Promise<void> {
  const query = account === undefined ? '' : `?account=${encodeURIComponent(account)}`
  const views = await client.list<BanView>(`/api/v1/bans${query}`)
  io.out(output === 'json' ? jsonText(views) : tableText(views, COLUMNS, io.paint))
}

/** `carillon bans --account A --lift [--address X]`. */
export async function liftBans(
  client: NodeClient,
  { account, address }: { account: string | undefined; address: string | undefined },
  output: OutputForm,
  io: Io,
): Promise<void> {
  if (account === undefined)
    throw new CommandFailed(EXIT.usage, '--lift needs the account: --account A')
  const query = address === undefined ? '' : `?address=${encodeURIComponent(address)}`
  const path = `/api/v1/bans/${encodeURIComponent(account)}${query}`
  const result = await client.delete<LiftResult>(path)
  const { lifted } = result
  if (output === 'json') io.out(jsonText(result))
  else io.out(`${lifted} ${lifted === 1 ? 'ban' : 'bans'} of ${account} lifted`)
}

const COLUMNS: Columns<BanView> = {
  account: ban => ban.systemId,
  from: ban => ban.address,
  'failed binds': ban => ban.failures,
  since: ban => ban.since,
  until: ban => ban.until,
}
