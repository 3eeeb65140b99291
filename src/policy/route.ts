import type { MoRoute, MoRouteMatch, Route, RouteMatch } from './settings.js'

/** What a route looks at in a submit_sm. */
export interface Routable {
  account: string
  source_addr: string
  destination_addr: string
}

/** The first route, in file order, that matches; undefined: nobody takes this message. */
export function findRoute(routes: readonly Route[], message: Routable): Route | undefined {
  return routes.find(route => matches(route.match, message))
}

/** What an MO route looks at in a deliver_sm that is no receipt. */
export interface MoRoutable {
  connector: string
  source_addr: string
  destination_addr: string
}

/** The first MO route, in file order, that matches; undefined: answered ESME_RX_P_APPN. */
export function findMoRoute(routes: readonly MoRoute[], message: MoRoutable): MoRoute | undefined {
  return routes.find(route => matchesMo(route.match, message))
}

/**
 * The connector to use: the first of `to` that `usable` accepts, or the first of all where none is,
 * so that messages wait in its queue. Undefined only for an empty list.
 */
export function chooseConnector(
  to: readonly string[],
  usable: (connector: string) => boolean,
): string | undefined {
  return to.find(usable) ?? to[0]
}

function matches(match: RouteMatch, message: Routable): boolean {
  return (
    message.destination_addr.startsWith(match.destinationPrefix) &&
    message.source_addr.startsWith(match.sourcePrefix) &&
    (match.account === null || match.account === message.account)
  )
}

function matchesMo(match: MoRouteMatch, message: MoRoutable): boolean {
  return (
    message.destination_addr.startsWith(match.destinationPrefix) &&
    message.source_addr.startsWith(match.sourcePrefix) &&
    (match.connector === null || match.connector === message.connector)
  )
}
