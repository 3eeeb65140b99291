import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { bind, site } from './testing/site.js'

void t.test('each listener has limits of its own, and a session is the same on all', async t => {
  const { start } = await site(t, {
    listeners:
      '[{ listen: 127.0.0.1:0, connectionsMax: 1 }, { listen: 127.0.0.1:0, allowFrom: [192.0.2.0/24] }]',
  })
  const node = await start()
  const ports = node.places
    .replace(/ http.*/, '')
    .match(/(?<=:)\d+/g)!
    .map(Number)
  const [first, one, none] = ports
  t.equal(ports.length, 3)
  t.equal(first, node.smppPort, 'the first stays the default')
  const sessions = [await bind(node), await bind(node), await bind(node, 'secret1', one)]
  for (const full of [one!, none!]) {
    const socket = connect(full, '127.0.0.1').resume()
    socket.on('error', () => undefined)
    await once(socket, 'close')
  }
  const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text()
  t.match(metrics, /carillon_protocol_errors_total\{kind="connectionRefused"\} 2\n/)
  sessions.push(await bind(node))
  for (const session of sessions) session.destroy()
})
