import { once } from 'node:events'
import { createServer, connect, type AddressInfo } from 'node:net'
import t from 'tap'
import { SeededRandom } from '../../src/base/random.js'
import { waitFor } from '../../src/testing/wait-for.js'
import { FaultProxy, type LineFaults } from './fault-proxy.js'

const well = (): LineFaults => ({ blocked: false, delayMs: 0, jitterMs: 0, loss: 0 })

void t.test('a direction that is blocked holds everything back, and nothing is lost', async t => {
  let heard = ''
  const server = createServer(socket => {
    socket.on('data', octets => {
      heard += octets.toString()
      socket.write(`<${octets.toString()}>`)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const there = well()
  const back = well()
  const { port } = server.address() as AddressInfo
  const proxy = new FaultProxy(port, there, back, new SeededRandom(1))
  const client = connect({ host: '127.0.0.1', port: await proxy.listen() })
  let answers = ''
  client.on('data', octets => (answers += octets.toString()))
  t.teardown(async () => {
    client.destroy()
    await proxy.close()
    server.close()
  })

  client.write('a')
  await waitFor('an answer', () => answers === '<a>')
  back.blocked = true
  proxy.changed()
  client.write('b')
  await waitFor('the other direction still works', () => heard === 'ab')
  t.equal(answers, '<a>')
  there.blocked = true
  proxy.changed()
  client.write('c')
  back.blocked = false
  proxy.changed()
  await waitFor('what was held back comes', () => answers === '<a><b>')
  t.equal(heard, 'ab')
  Object.assign(there, { blocked: false, delayMs: 5, jitterMs: 5, loss: 0.2 })
  proxy.changed()
  for (const letter of 'defgh') client.write(letter)
  await waitFor('all of it comes, in order', () => heard === 'abcdefgh')
})

void t.test('a connection to a port where nobody listens is refused', async t => {
  // a connection's own port: nobody else can come to listen there while it stands, as at a port set free
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const holder = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  await once(holder, 'connect')
  const proxy = new FaultProxy(holder.localPort!, well(), well(), new SeededRandom(1))
  t.teardown(async () => {
    await proxy.close()
    holder.destroy()
    server.close()
  })
  const client = connect({ host: '127.0.0.1', port: await proxy.listen() })
  client.resume() // an end would not be seen otherwise
  client.on('error', () => undefined)
  await new Promise(resolve => client.on('close', resolve))
  t.pass('it ends')
})
