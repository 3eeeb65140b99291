import type { ClusterNode, Group } from '../../cluster/types.js'
import { MembersRefused, type ApiPorts } from '../api/ports.js'
import type { AccountRates } from '../front/account-rates.js'
import type { Journal } from '../journal/index.js'
import type { Upstream } from '../upstream/index.js'
import type { Drain } from './drain.js'
import { updateGauges } from './gauges.js'
import { HttpCancels } from './http-cancels.js'
import { HttpSubmits } from './http-submits.js'
import type { Leadership } from './leadership.js'
import type { MemberChanges } from './member-changes.js'
import type { NodeOptions } from './node.js'
import type { SessionsAnywhere } from './sessions-anywhere.js'
import { parseSettings } from './settings-text.js'
import type { Traces } from './traces.js'
import type { WatchedMachine } from './watched-machine.js'

/** What HTTP reaches of a node. HTTP answers before all of it is there: those parts are asked for. */
export interface ApiParts extends Pick<NodeOptions, 'machine' | 'metrics' | 'secrets' | 'version'> {
  journal: Journal
  startedAtMs: number
  leadership: Leadership
  watched: WatchedMachine
  drainer: Drain
  traces: Traces
  cluster(): ClusterNode | undefined
  group(): Group | undefined
  members(): MemberChanges | undefined
  sessions(): SessionsAnywhere | undefined
  rates(): AccountRates | undefined
  upstream(): Upstream | undefined
  health(): ReturnType<ApiPorts['operations']['ready']>
  /** Whether the streams to a peer stand. */
  isUp(peer: number): boolean
}

/** A node as the API sees it. */
export function apiPorts(parts: ApiParts): ApiPorts {
  const { machine, metrics, secrets, version, journal, leadership, watched, drainer } = parts
  const group = (): Group => {
    const opened = parts.group()
    if (opened === undefined) throw new Error('the cluster has not started')
    return opened
  }
  const members = (): MemberChanges => {
    const opened = parts.members()
    if (opened === undefined) throw new MembersRefused(503, 'the cluster has not started')
    return opened
  }
  const told = { receiptTtl: 0, receiptLimit: 0, firstsGivenUp: 0 }
  return {
    clock: machine.clock,
    journal,
    version,
    startedAtMs: parts.startedAtMs,
    cluster: {
      clusterId: () => parts.cluster()?.clusterId ?? '',
      status: () =>
        parts.group()?.status() ?? {
          leader: null,
          term: 0,
          commitIndex: journal.state.appliedIndex,
          appliedIndex: journal.state.appliedIndex,
          members: [],
        },
      stateHash: () => watched.stateHash(),
      readIndex: async () => group().readIndex(),
      transferLeader: async to => leadership.transfer(group(), to),
    },
    members: {
      list: async () => members().list(),
      add: async (id, address) => members().add(id, address),
      promote: async id => members().promote(id),
      remove: async id => members().remove(id),
    },
    sessions: {
      activity: async ids => (await parts.sessions()?.activity(ids)) ?? new Map(),
      kick: async id => (await parts.sessions()?.kick(id)) ?? { kind: 'unknown' },
      nodes: async () => (await parts.sessions()?.nodes()) ?? [],
    },
    traces: parts.traces,
    settings: {
      parse: parseSettings,
      protect: (settings, current) => secrets.protect(settings, current),
    },
    submits: new HttpSubmits(
      journal,
      machine.clock,
      () => parts.rates(),
      () => journal.proposer.running && !drainer.begun,
    ),
    cancels: new HttpCancels(journal, metrics),
    operations: {
      live: () => ({ status: 'ok', reasons: [] }),
      ready: () => parts.health(),
      drainState: () => drainer.state,
      drain: deadlineMs => void drainer.run(deadlineMs),
    },
    metrics: async () => {
      const peerUp = (id: number): boolean => parts.isUp(id)
      updateGauges({ metrics, journal, group: parts.group(), peerUp, told })
      return { contentType: metrics.contentType, text: await metrics.text() }
    },
    command: command => journal.proposer.command(command),
    homeStatus: id => parts.upstream()?.statusOf(id),
  }
}
