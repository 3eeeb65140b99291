// One lock for a directory, held by listening. The kernel takes it back when its holder dies, by
// SIGKILL too, and no pid is ever compared: there is nothing stale to clean up. Waiters hang on a
// connection to the holder, which closes with it, so nobody polls.
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import * as net from 'node:net'

/**
 * Waits for the lock of `directory`, and takes it.
 *
 * @param waiting  called once, with words for the holder, when somebody else has it
 * @returns        gives it back
 */
export async function takeLock(directory, waiting = () => undefined) {
  const name = createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 32)
  for (let said = false; ;) {
    for (const place of places(name)) {
      const server = await listen(place, name)
      if (server !== undefined) return () => close(server)
      const holder = await visit(place, name)
      if (holder === undefined) continue // a stranger has this port, or the holder just left
      if (!said) waiting(`another launcher (pid ${holder.pid})`)
      said = true
      await holder.gone
      break
    }
  }
}

/** Linux: an abstract socket. Elsewhere: ports of the loopback that the name picks, the first free of strangers. */
function places(name) {
  if (process.platform === 'linux') return [{ path: `\0carillon-${name}` }]
  const first = 20_000 + (Number.parseInt(name.slice(0, 8), 16) % 20_000)
  return [0, 1, 2, 3].map(step => ({ host: '127.0.0.1', port: first + step, exclusive: true }))
}

/** The listening server, or undefined where the place is taken. */
function listen(place, name) {
  return new Promise((resolve, reject) => {
    const visitors = new Set()
    const server = net.createServer(socket => {
      visitors.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => visitors.delete(socket))
      socket.resume()
      socket.write(`${name} ${process.pid}\n`)
    })
    server.visitors = visitors
    server.once('error', error => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(new Error(`no lock to be had: ${error.message}`, { cause: error }))
    })
    server.listen(place, () => {
      server.unref()
      resolve(server)
    })
  })
}

function close(server) {
  for (const socket of server.visitors) socket.destroy()
  return new Promise(resolve => server.close(() => resolve()))
}

/** Who holds the place, and a promise of its end; undefined where it is not one of us, or gone. */
function visit(place, name) {
  return new Promise(resolve => {
    const socket = net.connect(place)
    let ended = () => undefined
    const gone = new Promise(end => (ended = end))
    let greeting = ''
    const patience = setTimeout(() => socket.destroy(), 2000)
    socket.setEncoding('latin1')
    socket.on('data', text => {
      greeting = (greeting + text).slice(0, 100)
      const [said, pid] = greeting.trim().split(' ')
      if (!greeting.includes('\n')) return
      clearTimeout(patience)
      if (said === name) resolve({ pid, gone })
      else socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(patience)
      ended()
      resolve(undefined)
    })
  })
}
