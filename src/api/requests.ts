import { badRequest } from './problems.js'

/** The object of a JSON body, whose keys are all among `known`. Nothing counts as `{}`. @throws ProblemError */
export function objectIn(body: unknown, known: readonly string[]): Record<string, unknown> {
  const given = body ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) throw badRequest('expected a JSON object')
  for (const key of Object.keys(given))
    if (!known.includes(key)) throw badRequest(`${key}: unknown key; there are ${known.join(', ')}`)
  return given as Record<string, unknown>
}

/** @throws ProblemError */
export function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name}: expected a whole number`)
  return Number(text)
}

/** Text of a body's key; undefined where it is absent. @throws ProblemError */
export function textOf(
  object: Record<string, unknown>,
  key: string,
  charactersMax: number,
): string | undefined {
  const value = object[key]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string' || value.length > charactersMax)
    throw badRequest(`${key}: expected text of up to ${charactersMax} characters`)
  return value
}
