import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { conformancePage } from './conformance.js'

/** docs/smpp-conformance.md of the tree that this build belongs to. */
export const PAGE = fileURLToPath(new URL('../../../../docs/smpp-conformance.md', import.meta.url))

/** The page as it is committed: formatted by the house's rules. */
export async function formatted(): Promise<string> {
  return format(conformancePage(), { ...(await resolveConfig(PAGE)), filepath: PAGE })
}
