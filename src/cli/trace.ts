import { closeSync, openSync, writeSync } from 'node:fs'
import type {
  NodeView,
  SettingsView,
  TraceEnd,
  TraceLine,
  TraceRequest,
  TracedPdu,
} from '../api/shapes.js'
import { parseAddress, type Address } from '../base/address.js'
import type { VendorTlv } from '../policy/settings.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import type { NodeClient } from './node-client.js'
import { pcapHeader, PcapPackets } from './pcap.js'
import { pduLine } from './trace-line.js'

export interface TraceOptions extends TraceRequest {
  /** URLs of the nodes to ask; none: all that the first client's node knows. */
  nodes: readonly string[]
  /** A pcap file; undefined: lines in the terminal. */
  out?: string | undefined
  /** Lines of JSON, as the nodes send them. */
  json: boolean
}

/**
 * `carillon trace`: the PDUs of an account's sessions, or a connector's binds, on all nodes, until its time or its octets are over
 * or it is interrupted. True: each node that was asked has told to its end.
 */
export async function trace(
  client: NodeClient,
  { nodes, out, json, ...request }: TraceOptions,
  io: Io,
  interrupted: Promise<unknown>,
): Promise<boolean> {
  if ((request.account === undefined) === (request.connector === undefined))
    throw new CommandFailed(EXIT.usage, 'name one: --account A, or --connector C')
  const texts = request.texts === true
  const places = nodes.length > 0 ? nodes.map(http => ({ id: null, http })) : await all(client, io)
  const named = out === undefined && !json && places.length > 0
  const registry = named ? await vendorTlvs(client.at(places[0]!.http)) : []
  const abort = new AbortController()
  let wasInterrupted = false
  void interrupted.then(() => {
    wasInterrupted = true
    abort.abort()
  })
  const sink = out === undefined ? lines(io, texts, json, registry) : pcapFile(out)
  const ends: TraceEnd[] = []
  const failures: CommandFailed[] = []
  const one = async ({ id, http }: Place): Promise<boolean> => {
    try {
      for await (const line of client.at(http).lines<TraceLine>(PATH, request, abort.signal)) {
        if (line.kind === 'pdu') sink.pdu(line)
        else if (line.kind === 'begun') begun(line.node, id, http, io)
        else if (line.kind === 'dropped')
          io.note(`node ${line.node}: ${line.dropped} PDUs are missing here, they came too fast`)
        else ends.push(line)
      }
      return true
    } catch (error) {
      if (wasInterrupted) return true
      if (!(error instanceof CommandFailed)) throw error
      failures.push(error)
      if (failures.length === places.length) throw failures[0]! // nobody traces
      io.note(`${id === null ? http : `node ${id}`}: ${error.message}`)
      return false
    }
  }
  let told: boolean[]
  try {
    told = await Promise.all(places.map(one))
  } finally {
    abort.abort()
    sink.close()
  }
  for (const { node, why, pdus, dropped } of ends.toSorted((a, b) => a.node - b.node))
    io.note(`node ${node}: ${pdus} PDUs, ${dropped} dropped; ended by ${why}`)
  if (out !== undefined) io.note(`${out}: ${sink.count} PDUs${texts ? '' : ', texts masked'}`)
  return told.every(Boolean)
}

const PATH = '/api/v1/traces'

interface Place {
  /** Null: whoever is there. */
  id: number | null
  http: string
}

interface Sink {
  readonly count: number
  pdu(line: TracedPdu): void
  close(): void
}

async function all(client: NodeClient, io: Io): Promise<Place[]> {
  const views = await client.get<NodeView[]>('/api/v1/nodes')
  const silent = views.filter(({ http }) => http === null).map(({ id }) => id)
  if (silent.length > 0)
    io.note(`no answer of node ${silent.join(', ')}: what is there is not traced`)
  return views.flatMap(({ id, http }) => (http === null ? [] : [{ id, http }]))
}

/** Without them a trace has numbers: what keeps a node from telling its settings does not keep it from tracing. */
async function vendorTlvs(client: NodeClient): Promise<readonly VendorTlv[]> {
  try {
    return (await client.get<SettingsView>('/api/v1/settings')).settings.tlvs ?? []
  } catch (error) {
    if (error instanceof CommandFailed) return []
    throw error
  }
}

function begun(node: number, wanted: number | null, http: string, io: Io): void {
  if (wanted !== null && node !== wanted)
    throw new CommandFailed(
      EXIT.negative,
      `${http} is node ${node} from here: name the nodes to ask with --node URL`,
    )
  io.note(`tracing on node ${node}`)
}

function lines(io: Io, texts: boolean, json: boolean, registry: readonly VendorTlv[]): Sink {
  let count = 0
  return {
    get count() {
      return count
    },
    pdu: line => {
      count++
      io.out(json ? JSON.stringify(line) : pduLine(line, texts, registry, io.paint))
    },
    close: () => undefined,
  }
}

/** Readable by its owner alone: it may hold what customers write. */
function pcapFile(path: string): Sink {
  let file: number
  try {
    file = openSync(path, 'w', 0o600)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandFailed(EXIT.usage, `${path} cannot be written: ${why}`)
  }
  const packets = new PcapPackets()
  let count = 0
  writeSync(file, pcapHeader())
  return {
    get count() {
      return count
    },
    pdu: ({ at, direction, local, remote, place, pdu }) => {
      const [ours, theirs] = [local, remote].map(
        text => parseAddress(text) ?? { host: '', port: 0 },
      ) as [Address, Address]
      const [from, to] = direction === 'in' ? [theirs, ours] : [ours, theirs]
      count++
      writeSync(file, packets.of({ atMs: at, from, to, place, octets: Buffer.from(pdu, 'base64') }))
    },
    close: () => closeSync(file),
  }
}
