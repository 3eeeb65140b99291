import type { ClusterView } from '../api/shapes.js'

/** What one look at a node showed. */
export interface Glimpse {
  id: number
  /** Undefined: it does not answer. */
  cluster: ClusterView | undefined
  ready: boolean
  /** Positive answers to submit_sm since it started, and submit_sm that SMSCs took; 0 where unknown. */
  accepted: number
  sent: number
  sessions: number
}

/** Looks at a node over HTTP. Never rejects. */
export async function glimpse(id: number, url: string): Promise<Glimpse> {
  const [cluster, ready, metrics] = await Promise.all([
    fetchText(`${url}/api/v1/cluster`),
    fetchText(`${url}/readyz`),
    fetchText(`${url}/metrics`),
  ])
  const text = metrics?.text ?? ''
  return {
    id,
    cluster: cluster?.ok === true ? parse(cluster.text) : undefined,
    ready: ready?.ok === true,
    accepted: sum(text, 'carillon_submit_sm_total', 'command_status="ESME_ROK"'),
    sent: sum(text, 'carillon_upstream_submit_sm_total', 'command_status="ESME_ROK"'),
    sessions: sum(text, 'carillon_sessions', ''),
  }
}

/** The sum of a metric's samples whose labels contain `label`. */
export function sum(metrics: string, name: string, label: string): number {
  let total = 0
  for (const line of metrics.split('\n')) {
    if (!line.startsWith(name)) continue
    const [, labels = '', value = ''] = /^(?:\{(.*)\})? (\S+)/.exec(line.slice(name.length)) ?? []
    if (value !== '' && labels.includes(label)) total += Number(value)
  }
  return total
}

async function fetchText(url: string): Promise<{ ok: boolean; text: string } | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(900) })
    return { ok: response.ok, text: await response.text() }
  } catch {
    return undefined
  }
}

function parse(text: string): ClusterView | undefined {
  try {
    return JSON.parse(text) as ClusterView
  } catch {
    return undefined
  }
}
