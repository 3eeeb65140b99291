import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import smpp, { type PDU, type Session } from 'smpp'
import t from 'tap'
import { commandName } from '../smpp/command-ids.js'
import { gatewayTo, ProcessCluster } from '../testing/process-cluster.js'
import type { ProcessNode } from '../testing/process-node.js'
import { waitFor } from '../testing/wait-for.js'
import { SmscSimulator } from '../tools/smsc-sim.js'
import { recordingIo } from './io.js'
import { NodeClient } from './node-client.js'
import { run } from './program.js'
import { readPcap } from './testing/read-pcap.js'
import { trace, type TraceOptions } from './trace.js'

const TEXT = 'meet me at nine'
const OPTIONS = { nodes: [], json: false, forMs: 600_000, octetsMax: 10_000_000 }
/** It writes no name resolution cache, and asks nobody for names. */
const TSHARK = spawnSync('tshark', ['--version']).status === 0

void t.test('the PDUs of an account and of a connector, whichever node has them', async t => {
  const smsc = new SmscSimulator({ port: 0, behaviour: { receiptDelayMs: 5 } })
  await smsc.start()
  t.teardown(() => smsc.stop())
  const cluster = await ProcessCluster.start({
    gateway: {
      ...gatewayTo(smsc.port),
      tlvs: [{ name: 'campaign', tag: 0x1401, type: 'cstring', min: 2, max: 21 }],
    },
  })
  t.teardown(() => cluster.stop())
  const directory = mkdtempSync(join(tmpdir(), 'carillon-trace-'))
  t.teardown(() => rmSync(directory, { recursive: true }))

  /** Traces at node 1 until it is told to stop; begins once all nodes say so. */
  const traced = async (over: Partial<TraceOptions>) => {
    const io = recordingIo()
    let stop = (): void => undefined
    const interrupted = new Promise<void>(resolve => (stop = resolve))
    const client = new NodeClient(cluster.node(1).httpUrl)
    const done = trace(client, { ...OPTIONS, ...over }, io, interrupted)
    const begun = () => io.noted.filter(note => note.startsWith('tracing on node')).length === 3
    await waitFor('it is traced on all nodes', begun)
    return { ...io, done, stop }
  }
  const file = join(directory, 'esme1.pcap')
  const masked = await traced({ account: 'esme1', out: file })
  const live = await traced({ account: 'esme1', texts: true })
  const connector = await traced({ connector: 'smsc-a', json: true })

  const session = await bound(cluster.node(2))
  const id = await submit(session, TEXT)
  const seen = (what: RegExp) => waitFor(`${what}`, () => live.said.some(line => what.test(line)))
  await seen(/deliver_sm_resp/)
  session.destroy()
  const names = (lines: readonly string[]) =>
    lines.map(line => /(in |out) .*? ([a-z_]+) #/.exec(line)?.slice(1).join('') ?? line)
  t.same(names(live.said), [
    ...['in bind_transceiver', 'outbind_transceiver_resp', 'in submit_sm', 'outsubmit_sm_resp'],
    ...['outdeliver_sm', 'in deliver_sm_resp'],
  ])
  t.match(
    live.said[2],
    new RegExp(`n2 in  2\\.\\d+\\.1 .* 1000 → 491701234567 \\[15\\] ${TEXT} campaign=spring`),
  )
  t.match(live.said[3], new RegExp(`ESME_ROK id=${id}`))
  t.match(live.said[4], /\] id:.* stat:DELIVRD.* message_state=DELIVERED/)
  await waitFor('the connector was seen', () =>
    /deliver_sm_resp|80000005/.test(pdusOf(connector.said).join()),
  )
  t.match(pdusOf(connector.said).join(), /submit_sm,submit_sm_resp,deliver_sm,deliver_sm_resp/)
  const sent = connector.said.map(
    line => JSON.parse(line) as { local: string; remote: string; pdu: string },
  )
  t.ok(sent.every(({ remote }) => remote === `127.0.0.1:${smsc.port}`))
  t.notMatch(sent.map(({ pdu }) => Buffer.from(pdu, 'base64').toString('latin1')).join(), TEXT)

  for (const one of [masked, live, connector]) {
    one.stop()
    t.equal(await one.done, true)
  }
  for (const node of cluster.nodes)
    await waitFor(`node ${node.id} noticed`, () => node.logTail().split('trace ended').length === 4)
  const log = cluster.node(2).logTail()
  t.match(log, /"name":"esme1","texts":false.*"by":"127\.0\.0\.1","event":"trace started"/)
  t.match(log, /"name":"esme1","texts":true.*"event":"trace started"/)
  for (const secret of ['secret1', TEXT]) {
    t.notMatch(log, secret)
    t.notMatch(live.said.join().replaceAll(TEXT, secret === TEXT ? '' : TEXT), secret)
    t.notOk(readFileSync(file).includes(secret), 'masked in the file')
  }

  t.equal(statSync(file).mode & 0o777, 0o600)
  const { smppPort } = cluster.node(2)
  const segments = readPcap(readFileSync(file))
  t.equal(segments.length, 6)
  for (const [i, { from, to, payload }] of segments.entries()) {
    t.equal(payload.readUInt32BE(0), payload.length, 'a PDU each')
    const isIn = live.said[i]!.includes(' in ')
    t.equal(isIn ? to : from, `127.0.0.1:${smppPort}`)
  }
  const [bind, bindResp, submitted] = segments
  t.equal(submitted!.sequence, 1 + bind!.payload.length)
  t.equal(submitted!.acknowledged, 1 + bindResp!.payload.length)

  await t.test(
    'Wireshark reads it',
    { skip: TSHARK ? false : 'there is no tshark here' },
    async t => {
      const fields = [
        'smpp.command_id',
        'smpp.sequence_number',
        'smpp.source_addr',
        'smpp.destination_addr',
        'smpp.message_id',
      ]
      const argv = ['-n', '-r', file, '-d', `tcp.port==${smppPort},smpp`]
      const asked = [...argv, '-T', 'fields', ...fields.flatMap(field => ['-e', field])]
      const rows = execFileSync('tshark', asked, { encoding: 'utf8' }).trimEnd().split('\n')
      t.same(
        rows.map(row => commandName(Number(row.split('\t')[0]))),
        [
          'bind_transceiver',
          'bind_transceiver_resp',
          'submit_sm',
          'submit_sm_resp',
          'deliver_sm',
          'deliver_sm_resp',
        ],
      )
      t.match(rows[2], /\t1000\t491701234567/)
      t.match(rows[3], id)
      const wrong =
        'tcp.analysis.flags || _ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0'
      const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE']
      t.equal(execFileSync('tshark', [...argv, ...checks, '-Y', wrong], { encoding: 'utf8' }), '')
    },
  )

  // As it is typed; ends by its time, and by its octets.
  const typed = async (...argv: string[]) => {
    const io = recordingIo()
    const status = await run(['trace', '--http', cluster.node(3).httpUrl, ...argv], io)
    return { status, noted: io.noted.join('\n') }
  }
  const byTime = await typed('--account', 'esme1', '--for', '100ms')
  t.match(byTime, { status: 0, noted: /node 1: 0 PDUs, 0 dropped; ended by time/ })
  t.match(await typed('--account', 'nobody'), { status: 4, noted: /there is no account nobody/ })
  t.match(await typed(), { status: 2, noted: /name one/ })
  const one = ['--node', cluster.node(1).httpUrl, '--connector', 'smsc-a', '--for', '50ms']
  t.notMatch((await typed(...one)).noted, /node 2/)
})

function pdusOf(lines: readonly string[]): (string | undefined)[] {
  return lines.map(line => {
    const { pdu } = JSON.parse(line) as { pdu: string }
    return commandName(Buffer.from(pdu, 'base64').readUInt32BE(4))
  })
}

smpp.addTLV('campaign', { id: 0x1401, type: smpp.types.tlv.cstring })

async function bound(node: ProcessNode): Promise<Session> {
  const session = smpp.connect({ host: '127.0.0.1', port: node.smppPort })
  session.on('error', () => undefined)
  session.on('deliver_sm', (pdu: PDU) => session.send(pdu.response()))
  t.teardown(() => session.destroy())
  await once(session, 'connect')
  const { command_status } = await new Promise<PDU>(resolve =>
    session.bind_transceiver({ system_id: 'esme1', password: 'secret1' }, resolve),
  )
  if (command_status !== 0) throw new Error(`bind refused: ${command_status}`)
  return session
}

async function submit(session: Session, text: string): Promise<string> {
  const addresses = { source_addr: '1000', destination_addr: '491701234567' }
  const answer = await new Promise<PDU>(resolve =>
    session.submit_sm(
      { ...addresses, registered_delivery: 1, short_message: text, campaign: 'spring' },
      resolve,
    ),
  )
  return answer['message_id'] as string
}
