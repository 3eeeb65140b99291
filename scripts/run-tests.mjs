// Runs the compiled tests, each file in a process of its own, and shows what failed:
//
//     npm test -- [--all] [PATH…]     PATH: a file of build/, or how the names of some begin (src/api)
//                                     --all: all that the tests say, in TAP
//
// How many at once and how long one may take is in .taprc. The runner is not `tap`, which loads hooks into
// each test and each process that a test starts, to know which files they read: tests with a cluster of
// node processes used half as much CPU again. `npx tap build/FILE` shows one file's results at length.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { t } from 'tap'
import { parse } from 'yaml'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NODE_FLAGS = ['--enable-source-maps']

process.chdir(ROOT)
const { jobs, timeout: timeoutSeconds } = parse(readFileSync('.taprc', 'utf8'))
const args = process.argv.slice(2)
const files = testFiles(args.filter(arg => arg !== '--all'))
if (files.length === 0) {
  process.stderr.write('no test file is named so\n')
  process.exit(1)
}

t.register() // failures become the exit status
t.setTimeout(0)
t.jobs = jobs
t.pipe(args.includes('--all') ? process.stdout : failuresOnly())
t.plan(files.length)
const running = new Set()
t.on('spawn', file => {
  file.on('process', child => {
    running.add(child)
    child.once('exit', () => running.delete(child))
  })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal)
    process.kill(process.pid, signal)
  })
}
for (const file of files) {
  // Without env, tap would give its hooks by NODE_OPTIONS.
  void t.spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, ...NODE_FLAGS, file], {
    name: file,
    buffered: true,
    at: null, // a failure of the file is none of this place
    timeout: timeoutSeconds * 1000,
    env: { ...process.env, TAP_TIMEOUT: String(timeoutSeconds) },
  })
}

/** Paths of compiled tests, relative to the root: those whose names, with build/ or without, begin so; or all. */
function testFiles(beginnings) {
  return readdirSync('build', { recursive: true })
    .filter(name => name.endsWith('.test.js'))
    .map(name => join('build', name))
    .filter(
      file =>
        beginnings.length === 0 ||
        beginnings.some(begin => file.startsWith(begin) || file.startsWith(join('build', begin))),
    )
    .sort()
}

/**
 * To stdout goes, of a stream of TAP, one line for each file, and what did not pass with its details. A file in which tap
 * finds no tests passes for tap, and fails here.
 */
function failuresOnly() {
  const passed = /^ +ok |^ *1\.\.\d+|^ *# (Subtest|time=)|^ *$|^ *}$/
  const empty = / # SKIP no tests found$/
  let rest = ''
  const shown = text => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    if (lines.some(line => empty.test(line))) process.once('exit', () => (process.exitCode = 1))
    return lines
      .filter(line => !passed.test(line))
      .map(line => `${line}\n`)
      .join('')
  }
  const filter = new Transform({
    transform: (chunk, _, done) => done(null, shown(chunk.toString())),
    flush: done => done(null, shown('\n')),
  })
  filter.pipe(process.stdout)
  return filter
}
