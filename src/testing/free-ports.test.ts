import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { freePorts, hold } from './free-ports.js'

const MODULE = new URL('./free-ports.js', import.meta.url).href

/** What another process is told that asks for this port. */
const elsewhere = (port: number): string => {
  const code = `import { hold } from '${MODULE}'; process.stdout.write(String(await hold([${port}])))`
  const args = ['--input-type=module', '-e', code]
  return execFileSync(process.execPath, args, { encoding: 'utf8' })
}

void t.test('ports come one after the other, and one can listen there', async t => {
  const ports = await freePorts(12)
  t.same(
    ports,
    Array.from({ length: 12 }, (_, i) => ports[0]! + i),
  )
  const server = createServer().listen(ports[5], '127.0.0.1')
  await once(server, 'listening')
  server.close()
})

void t.test(
  'a port that was given is not given to another process, though nobody listens',
  async t => {
    const [port] = (await freePorts(1)) as [number]
    t.equal(elsewhere(port), 'false')
    t.equal(await hold([port]), false, 'nor here')
  },
)

void t.test('of ports one of which is taken none is held', async t => {
  const [first, second] = (await freePorts(2)) as [number, number]
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  t.equal(await hold([port]), false, 'where somebody listens')
  t.equal(elsewhere(port), 'false')
  // Somebody may have one of these, hardly all of them.
  const others = [1, 501, 2001].map(away => second + away)
  for (const other of others) t.equal(await hold([other, first]), false)
  t.ok(others.map(elsewhere).includes('true'))
})
