// Installs (npm ci) and builds (tsc) what is missing or stale, once for all launchers that were
// started together. Quick when nothing is to be done. Node only: it runs before any dependency is there.
//
//   check ── fresh ──► go
//     └─ stale ──► lock ──► check again ──► npm ci ──► marker ──► tsc into build.tmp-… ──► rename ──► go
//
// Nothing half-done is ever taken for done: the install's marker is written last, inside
// node_modules; the build carries its marker before it is renamed into place.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { takeLock } from './lock.mjs'
import { isAlive, killGroupAndWait, startTimeOf } from './processes.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const SOURCES = ['src', 'cluster', 'chaos', 'bench']
const INSTALLED = 'node_modules/.carillon-installed.json'
const BUILT = 'build/.carillon-built'
/** Who is at work: the second line of defence where the lock alone would not do (see `takeOver`). */
const AT_WORK = 'build.at-work.json'

/**
 * Returns when node_modules and build/ are what package-lock.json and the sources ask for.
 *
 * @param tests  also make the test runner what .taprc asks for
 * @throws Error that says what failed, after the failing tool's own output on stderr
 */
export async function ensure({ root = ROOT, say = toStderr, tests = false } = {}) {
  checkNodeVersion()
  const isDue = () =>
    installReason(root) !== undefined ||
    buildReason(root) !== undefined ||
    (tests && testsReason(root) !== undefined)
  if (!isDue()) return
  const release = await takeLock(root, holder =>
    say(`waiting for ${holder}, which installs or builds`),
  )
  try {
    await takeOver(root, say)
    const why = installReason(root)
    if (why !== undefined) await install(root, why, say)
    const stale = buildReason(root)
    if (stale !== undefined) await build(root, stale, say)
    const wrong = tests ? testsReason(root) : undefined
    if (wrong !== undefined) await buildTestRunner(root, wrong, say)
  } finally {
    fs.rmSync(join(root, AT_WORK), { force: true })
    await release()
  }
}

const toStderr = line => process.stderr.write(`carillon: ${line}\n`)

function checkNodeVersion() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new Error(`needs Node.js 20.19 or later; this is ${process.versions.node}`)
}

/** Why an install is due; undefined when it is not. */
function installReason(root) {
  if (!fs.existsSync(join(root, 'package-lock.json'))) return undefined // a deployed copy
  if (!fs.existsSync(join(root, 'node_modules'))) return 'node_modules is missing'
  if (read(join(root, INSTALLED)) === installStamp(root)) return undefined
  if (npmFinished(root)) {
    tryWrite(join(root, INSTALLED), installStamp(root))
    return undefined
  }
  return read(join(root, INSTALLED)) === undefined
    ? 'the last install did not finish'
    : 'package-lock.json has changed'
}

function installStamp(root) {
  const lock = sha256(fs.readFileSync(join(root, 'package-lock.json')))
  return JSON.stringify({ lock, platform: `${process.platform}-${process.arch}` })
}

/**
 * True where somebody ran npm by hand to its end: npm writes its hidden lockfile last, and it must
 * name the same packages as ours, each of which must be there.
 */
function npmFinished(root) {
  const hidden = parse(read(join(root, 'node_modules/.package-lock.json')))?.packages
  const wanted = parse(read(join(root, 'package-lock.json')))?.packages
  if (hidden === undefined || wanted === undefined) return false
  return Object.entries(wanted).every(([path, { version, optional, link, peer, devOptional }]) => {
    if (!path.startsWith('node_modules/')) return true
    if (hidden[path] === undefined) return Boolean(optional || peer || devOptional)
    return (
      (link || hidden[path].version === version) && fs.existsSync(join(root, path, 'package.json'))
    )
  })
}

async function install(root, why, say) {
  if (isLink(join(root, 'node_modules'))) {
    // npm would empty the directory behind the link, which others use.
    const target = fs.realpathSync(join(root, 'node_modules'))
    say(
      `node_modules is a link to ${target}, which differs from package-lock.json; using it as it is`,
    )
    return
  }
  say(`installing (npm ci): ${why}`)
  const began = Date.now()
  fs.rmSync(join(root, INSTALLED), { force: true })
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  const failure = await run(root, 'npm', args)
  if (failure !== undefined) {
    throw new Error(`npm ci ${failure}; is the registry reachable? Run ./carillon again to retry`)
  }
  fs.writeFileSync(join(root, INSTALLED), installStamp(root))
  say(`installed in ${seconds(began)}`)
}

/** Why a build is due; undefined when it is not. */
function buildReason(root) {
  if (!fs.existsSync(join(root, 'tsconfig.json'))) return undefined // a deployed copy
  if (!fs.existsSync(join(root, 'build'))) return 'build/ is missing'
  const made = read(join(root, BUILT))
  return made === `${buildStamp(root)} ${tscStamp(join(root, 'build'))}`
    ? undefined
    : 'sources have changed'
}

/** Tells whether somebody ran tsc into the build since, perhaps on other sources. */
function tscStamp(directory) {
  const info = fs.statSync(join(directory, '.tsbuildinfo'), { throwIfNoEntry: false })
  return info === undefined ? 'none' : `${info.size} ${Math.floor(info.mtimeMs)}`
}

/** Of what they say, not of their times: a checkout touches files without changing them. */
function buildStamp(root) {
  const hash = createHash('sha256')
  for (const file of ['tsconfig.json', 'package-lock.json', ...sources(root)]) {
    const octets = read(join(root, file)) ?? ''
    hash.update(`${file}\0${octets.length}\0`).update(octets)
  }
  return hash.digest('hex')
}

function sources(root) {
  return SOURCES.flatMap(room => walk(root, room)).filter(file => /(?<!\.d)\.ts$/.test(file))
}

async function build(root, why, say) {
  say(`building (tsc): ${why}`)
  const began = Date.now()
  const stamp = buildStamp(root) // before reading: a change during the build makes it stale again
  const name = `build.tmp-${process.pid}`
  const target = join(root, name)
  if (fs.existsSync(join(root, 'build'))) {
    // tsc's incremental information counts on the earlier output being there.
    fs.cpSync(join(root, 'build'), target, { recursive: true, preserveTimestamps: true })
  }
  let failure = await compile(root, name)
  if (failure === undefined && !settle(root, target)) {
    fs.rmSync(target, { recursive: true, force: true })
    failure = await compile(root, name)
    if (failure === undefined && !settle(root, target)) failure = 'left files out'
  }
  if (failure !== undefined) {
    fs.rmSync(target, { recursive: true, force: true })
    throw new Error(`the build failed: tsc ${failure}`)
  }
  fs.writeFileSync(join(target, '.carillon-built'), `${stamp} ${tscStamp(target)}`)
  swapIn(root, target)
  say(`built in ${seconds(began)}`)
}

function compile(root, outDir) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const args = ['-p', '.', '--outDir', outDir, '--tsBuildInfoFile', `${outDir}/.tsbuildinfo`]
  return run(root, process.execPath, [tsc, ...args])
}

/** Removes output whose source is gone (its tests would still run). False where output is missing. */
function settle(root, target) {
  const wanted = new Set(sources(root).map(file => file.replace(/\.ts$/, '.js')))
  for (const file of walk(target, '.')) {
    if (/\.js(\.map)?$/.test(file) && !wanted.has(file.replace(/\.map$/, ''))) {
      fs.rmSync(join(target, file))
    }
  }
  return [...wanted].every(file => fs.existsSync(join(target, file)))
}

function swapIn(root, target) {
  const old = join(root, `build.old-${process.pid}`)
  if (fs.existsSync(join(root, 'build'))) fs.renameSync(join(root, 'build'), old)
  fs.renameSync(target, join(root, 'build'))
  fs.rmSync(old, { recursive: true, force: true })
}

/**
 * Why tap is to be rebuilt; undefined when it is not. tap compiles its plugins into itself, and as
 * it is installed it has the one that compiles TypeScript in every test file.
 */
function testsReason(root) {
  const made = read(join(root, 'node_modules/@tapjs/test/test-built/dist/esm/index.js'))
  if (made === undefined) return 'it is not built'
  return made.includes('@tapjs/typescript') ? 'it still has the TypeScript plugin' : undefined
}

async function buildTestRunner(root, why, say) {
  say(`building the test runner (tap build): ${why}`)
  const failure = await run(root, join(root, 'node_modules/.bin/tap'), ['build'])
  // Slower without, but tests run.
  if (failure !== undefined) say(`tap build ${failure}; going on with tap as it is`)
}

/**
 * After the lock is ours: ends what a killed launcher left running (npm survives its parent, and
 * two of them in one node_modules make a mess), waits for a launcher that holds no lock we can see
 * (abstract sockets belong to a network namespace), and sweeps leftovers.
 */
async function takeOver(root, say) {
  for (let said = false; ; said = true) {
    const at = parse(read(join(root, AT_WORK)))
    if (at === undefined) break
    if (at.launcher.pid === process.pid || !isAlive(at.launcher)) {
      if (at.child !== undefined && isAlive(at.child)) await killGroupAndWait(at.child)
      break
    }
    if (!said) say(`waiting for another launcher (pid ${at.launcher.pid})`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  for (const name of fs.readdirSync(root)) {
    if (/^build\.(tmp|old)-/.test(name))
      fs.rmSync(join(root, name), { recursive: true, force: true })
  }
}

/**
 * Runs a tool in a process group of its own, its output on our stderr. It starts only after
 * it is on record; should we die before, its gate (a pipe from us) closes and it never starts.
 * Returns how it failed, or undefined.
 */
async function run(root, command, args) {
  const gate = ['-c', 'read -r go && exec "$@" </dev/null', 'sh', command, ...args]
  const child = spawn('sh', gate, { cwd: root, stdio: ['pipe', 2, 2], detached: true })
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  child.stdin.on('error', () => undefined)
  const stop = signal => {
    tryKill(-child.pid)
    fs.rmSync(join(root, AT_WORK), { force: true })
    process.exit(128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal])
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, stop)
  try {
    if (child.pid !== undefined) {
      const record = { launcher: identity(process.pid), child: identity(child.pid) }
      fs.writeFileSync(join(root, AT_WORK), JSON.stringify(record))
      child.stdin.end('go\n')
    }
    const { code, signal } = await ended
    if (code === 0) return undefined
    if (code === 127) return `could not be run: ${command} is not on the PATH`
    return signal === null ? `ended with exit status ${code}` : `was ended by ${signal}`
  } finally {
    for (const signal of signals) process.removeListener(signal, stop)
  }
}

const identity = pid => ({ pid, started: startTimeOf(pid) })

function tryKill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // gone already
  }
}

/** Files under root/dir, relative to root, in a fixed order. */
function walk(root, dir) {
  const found = []
  const visit = path => {
    for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) visit(join(path, entry.name))
      else found.push(relative(root, join(path, entry.name)))
    }
  }
  if (fs.existsSync(join(root, dir))) visit(join(root, dir))
  return found.sort()
}

function read(path) {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function parse(text) {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** For what is only a shortcut: a read-only checkout works without. */
function tryWrite(path, text) {
  try {
    fs.writeFileSync(path, text)
  } catch {
    // checked again at the next start
  }
}

function isLink(path) {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

const sha256 = octets => createHash('sha256').update(octets).digest('hex')
const seconds = began => `${((Date.now() - began) / 1000).toFixed(1)} s`

const isMain =
  process.argv[1] !== undefined &&
  fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
if (isMain) {
  await ensure({ tests: process.argv.includes('--tests') }).catch(error => {
    toStderr(error.message)
    process.exit(70)
  })
}
