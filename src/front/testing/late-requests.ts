import type { Body } from '../../smpp/codec.js'
import { account, gateway } from '../../testing/gateway.js'
import type { EsmeClient } from './esme-client.js'
import { FrontWorld } from './front-world.js'

// For cancel_sm and replace_sm, which the log has to answer.

/** A world with `esme1`, which has `over`, and `esme2`. */
export function openTwo(
  tap: { teardown(fn: () => unknown): void },
  over: Parameters<typeof account>[1] = {},
): Promise<FrontWorld> {
  const accounts = [account('esme1', over), account('esme2')]
  return FrontWorld.open(tap, { settings: gateway({ accounts }) })
}

/** Submits one for each, and gives the ids. */
export function submitted(
  world: FrontWorld,
  esme: EsmeClient,
  ...submits: Partial<Body<'submit_sm'>>[]
): string[] {
  const before = esme.answers.length
  for (const fields of submits) esme.submit(fields)
  world.time.turn()
  return esme.answers.slice(before).map(({ message_id }) => message_id)
}

/** The last `count` statuses, once all that goes on has gone on. */
export async function answers(
  world: FrontWorld,
  esme: EsmeClient,
  count: number,
): Promise<string[]> {
  for (let i = 0; i < 10; i++) {
    await world.settle()
    world.time.advance(1)
  }
  return esme.statuses.slice(-count)
}
