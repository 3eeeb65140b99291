import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Stands in for npm: notes that it ran, waits for the file `npm-may-go`, "installs" a compiler that copies. */
const FAKE_NPM = `#!/bin/sh
echo "npm $* pid $$" >> ran.log
mkdir -p node_modules/typescript/bin
until [ -e npm-may-go ]; do sleep 0.05; done
cat > node_modules/typescript/bin/tsc <<'END'
const fs = require('node:fs')
fs.appendFileSync('ran.log', 'tsc\\n')
const out = process.argv[process.argv.indexOf('--outDir') + 1]
fs.mkdirSync(out + '/src', { recursive: true })
for (const file of fs.readdirSync('src')) {
  const text = fs.readFileSync('src/' + file, 'utf8')
  if (text.includes('WRONG')) { console.error(file + ' is wrong'); process.exit(2) }
  fs.writeFileSync(out + '/src/' + file.replace('.ts', '.js'), text)
}
END
`
const HELLO = 'console.log("hello", process.argv.slice(2).join(" "))'

/** A clone as git leaves it: no node_modules, no build. */
function freshClone(testdir: string, main = HELLO): string {
  const clone = join(testdir, 'clone')
  fs.cpSync(join(ROOT, 'scripts'), join(clone, 'scripts'), { recursive: true })
  fs.copyFileSync(join(ROOT, 'carillon'), join(clone, 'carillon'))
  fs.mkdirSync(join(clone, 'src'))
  fs.mkdirSync(join(testdir, 'bin'))
  fs.writeFileSync(join(clone, 'src/main.ts'), main)
  fs.writeFileSync(join(clone, 'package.json'), '{ "type": "module" }')
  fs.writeFileSync(join(clone, 'package-lock.json'), '{}')
  fs.writeFileSync(join(clone, 'tsconfig.json'), '{}')
  fs.writeFileSync(join(clone, 'npm-may-go'), '')
  fs.writeFileSync(join(testdir, 'bin/npm'), FAKE_NPM, { mode: 0o755 })
  return clone
}

const environment = (clone: string): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_OPTIONS: '',
  PATH: `${join(clone, '../bin')}:${process.env['PATH'] ?? ''}`,
})

interface Ended {
  status: number
  stdout: string
  stderr: string
}

function launch(clone: string, ...args: string[]): Promise<Ended> {
  return new Promise(resolve => {
    const options = { env: environment(clone), cwd: '/' }
    const child = execFile(join(clone, 'carillon'), args, options, (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

/** A launcher in the background, and what it has said so far. */
function start(clone: string): { child: ChildProcess; said: () => string } {
  const child = spawn(join(clone, 'carillon'), [], { env: environment(clone) })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  }
  return { child, said: () => said }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 20))
}

const ran = (clone: string): string[] => {
  const log = join(clone, 'ran.log')
  return fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\n') : []
}
const counted = (clone: string, tool: string): number =>
  ran(clone).filter(line => line.startsWith(tool)).length

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${String(pid)}/stat`, 'utf8'))
  } catch {
    return false
  }
}

void t.test(
  'a fresh clone installs and builds, says so on stderr, and runs the command',
  async t => {
    const clone = freshClone(t.testdir())
    const first = await launch(clone, 'to', 'all of you')
    t.match(first, { status: 0, stdout: 'hello to all of you\n' })
    t.match(first.stderr, /installing \(npm ci\).*building \(tsc\)/s)
    t.match(ran(clone)[0], /^npm ci /)
    const second = await launch(clone, 'again')
    t.same(second, { status: 0, stdout: 'hello again\n', stderr: '' })
    t.same([counted(clone, 'npm'), counted(clone, 'tsc')], [1, 1])
    t.same(
      fs.readdirSync(clone).filter(name => name.startsWith('build')),
      ['build'],
      'no leftovers',
    )
  },
)

void t.test('launchers started together install and build once', async t => {
  const clone = freshClone(t.testdir())
  const all = await Promise.all([launch(clone, '1'), launch(clone, '2'), launch(clone, '3')])
  t.same(
    all.map(({ status, stdout }) => [status, stdout]),
    [
      [0, 'hello 1\n'],
      [0, 'hello 2\n'],
      [0, 'hello 3\n'],
    ],
  )
  t.same([counted(clone, 'npm'), counted(clone, 'tsc')], [1, 1])
})

void t.test('a launcher killed with SIGKILL gives its lock up and its npm is ended', async t => {
  const clone = freshClone(t.testdir())
  fs.rmSync(join(clone, 'npm-may-go'))
  const first = start(clone)
  await until(() => counted(clone, 'npm') === 1)
  const orphan = Number(/pid (\d+)/.exec(ran(clone)[0] ?? '')?.[1])
  const second = start(clone)
  const ended = once(second.child, 'close')
  await until(() => second.said().includes('waiting for another launcher'))
  t.match(second.said(), `pid ${String(first.child.pid)}`, 'it says whom it waits for')
  first.child.kill('SIGKILL')
  await until(() => counted(clone, 'npm') === 2)
  t.notOk(isRunning(orphan), 'two npm never work in one node_modules')
  fs.writeFileSync(join(clone, 'npm-may-go'), '')
  t.same(await ended, [0, null])
  t.match(second.said(), /did not finish.*hello/s)
})

void t.test('SIGTERM during an install ends npm too, and the next start does it again', async t => {
  const clone = freshClone(t.testdir())
  fs.rmSync(join(clone, 'npm-may-go'))
  const first = start(clone)
  await until(() => counted(clone, 'npm') === 1)
  const npm = Number(/pid (\d+)/.exec(ran(clone)[0] ?? '')?.[1])
  first.child.kill('SIGTERM')
  t.same(await once(first.child, 'close'), [143, null])
  await until(() => !isRunning(npm))
  fs.writeFileSync(join(clone, 'npm-may-go'), '')
  t.match(await launch(clone), { status: 0, stdout: 'hello' })
})

void t.test('a changed source is built, a removed one leaves the build', async t => {
  const clone = freshClone(t.testdir())
  fs.writeFileSync(join(clone, 'src/gone.test.ts'), '')
  await launch(clone)
  t.ok(fs.existsSync(join(clone, 'build/src/gone.test.js')))
  fs.rmSync(join(clone, 'src/gone.test.ts'))
  fs.writeFileSync(join(clone, 'src/main.ts'), 'console.log("changed")')
  t.match(await launch(clone), { stdout: 'changed\n', stderr: /sources have changed/ })
  t.notOk(fs.existsSync(join(clone, 'build/src/gone.test.js')))
  t.equal(counted(clone, 'npm'), 1)
})

void t.test('a build that fails says so, and leaves the last good one in place', async t => {
  const clone = freshClone(t.testdir())
  await launch(clone)
  fs.writeFileSync(join(clone, 'src/main.ts'), 'WRONG')
  t.match(await launch(clone), { status: 70, stdout: '', stderr: /main\.ts is wrong.*tsc ended/s })
  t.match(fs.readFileSync(join(clone, 'build/src/main.js'), 'utf8'), 'hello')
  fs.writeFileSync(join(clone, 'src/main.ts'), HELLO)
  t.match(await launch(clone), { status: 0, stderr: '' }, 'the good one is up to date again')
})

void t.test('a changed package-lock.json is installed', async t => {
  const clone = freshClone(t.testdir())
  await launch(clone)
  fs.writeFileSync(join(clone, 'package-lock.json'), '{ "packages": {} }')
  t.match(await launch(clone), { status: 0, stderr: /package-lock.json has changed/ })
  t.equal(counted(clone, 'npm'), 2)
})

void t.test('the launcher becomes the process: a signal to its pid arrives', async t => {
  const clone = freshClone(
    t.testdir(),
    `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1e6); console.log('pid', process.pid)`,
  )
  const { child, said } = start(clone)
  await until(() => said().includes(`pid ${String(child.pid)}\n`))
  child.kill('SIGTERM')
  t.same(await once(child, 'close'), [7, null])
})
