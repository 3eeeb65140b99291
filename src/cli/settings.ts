import { readFileSync } from 'node:fs'
import type { ApplyResult, RevisionView, RollbackRequest, SettingsChange } from '../api/shapes.js'
import { ConfigError, describeFileError } from '../config/file-error.js'
import { parseGatewayFile } from '../config/gateway-file.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import type { NodeClient } from './node-client.js'
import { jsonText, tableText, type OutputForm } from './table.js'

/** `carillon apply -f FILE [--dry-run]`. */
export async function apply(
  client: NodeClient,
  file: string,
  options: { dryRun: boolean; output: OutputForm },
  io: Io,
): Promise<void> {
  const result = await postFile(client, file, options.dryRun, io)
  if (options.output === 'json') io.out(jsonText(result))
  else io.out(applyText(result, io.paint))
}

/** `carillon diff -f FILE`: what apply would change. Returns whether there is anything. */
export async function diff(
  client: NodeClient,
  file: string,
  output: OutputForm,
  io: Io,
): Promise<boolean> {
  const result = await postFile(client, file, true, io)
  if (output === 'json') io.out(jsonText(result.changes))
  else io.out(result.changed ? changesText(result.changes, io.paint) : 'no difference')
  return result.changed
}

/** `carillon history`. */
export async function history(client: NodeClient, output: OutputForm, io: Io): Promise<void> {
  const revisions = await client.list<RevisionView>('/api/v1/settings/history')
  if (output === 'json') {
    io.out(jsonText(revisions))
    return
  }
  const columns = {
    revision: (r: RevisionView) => r.revision,
    applied: (r: RevisionView) => r.appliedAt,
    index: (r: RevisionView) => r.index,
    origin: (r: RevisionView) => r.origin,
    changes: (r: RevisionView) => summary(r.changes),
  }
  io.out(tableText(revisions, columns, io.paint))
}

/** `carillon rollback REVISION`: makes a new revision with the contents of an old one. */
export async function rollback(
  client: NodeClient,
  revision: number,
  output: OutputForm,
  io: Io,
): Promise<void> {
  const request: RollbackRequest = { revision }
  const result = await client.post<ApplyResult>('/api/v1/settings/rollback', request)
  io.out(output === 'json' ? jsonText(result) : applyText(result, io.paint))
}

/** Read here first: mistakes are told without a node. */
async function postFile(
  client: NodeClient,
  file: string,
  dryRun: boolean,
  io: Io,
): Promise<ApplyResult> {
  const text = readText(file)
  try {
    const { warnings } = parseGatewayFile(text, { file, directory: null })
    for (const warning of warnings) io.note(`warning: ${describeFileError(warning)}`)
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandFailed(EXIT.usage, error.message)
    throw error
  }
  return client.postYaml<ApplyResult>(`/api/v1/settings${dryRun ? '?dryRun=true' : ''}`, text)
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : (code ?? String(error))
    throw new CommandFailed(EXIT.usage, `${file}: ${why}`)
  }
}

function applyText(result: ApplyResult, paint: Io['paint']): string {
  if (!result.changed) return `revision ${result.revision} says that already: nothing changed`
  const head = result.dryRun
    ? `dry run: nothing is changed; revision ${result.revision} stays. It would change:`
    : `revision ${paint.bold(String(result.revision))} is in force on all nodes`
  return `${head}\n${changesText(result.changes, paint)}`
}

const SIGNS = { added: '+', removed: '-', changed: '~' }

function changesText(changes: readonly SettingsChange[], paint: Io['paint']): string {
  const tint = { added: paint.green, removed: paint.red, changed: paint.yellow }
  return changes
    .map(({ kind, key, from, to }) => {
      const values =
        kind === 'changed'
          ? ` ${JSON.stringify(from)} → ${JSON.stringify(to)}`
          : ` ${JSON.stringify(kind === 'added' ? to : from)}`
      return tint[kind](`  ${SIGNS[kind]} ${key}`) + values
    })
    .join('\n')
}

function summary(changes: readonly SettingsChange[]): string {
  const first = changes.slice(0, 3).map(({ kind, key }) => `${SIGNS[kind]}${key}`)
  const more = changes.length > 3 ? [`and ${changes.length - 3} more`] : []
  return [...first, ...more].join(' ')
}
