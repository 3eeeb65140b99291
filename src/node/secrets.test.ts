import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { SettingsMistakes } from '../api/ports.js'
import { systemRandom } from '../base/random.js'
import { resolveSecret } from '../config/load.js'
import { NO_SETTINGS } from '../policy/settings.js'
import { account, connector, gateway } from '../testing/gateway.js'
import { openDataFolder } from './data-folder.js'
import { readKeyFile, Sealing } from './sealing.js'
import { Secrets } from './secrets.js'
import { systemMachine } from './system-machine.js'

const sealing = new Sealing(Buffer.alloc(32, 7), systemRandom)

function secrets(key: Sealing | undefined = sealing): Secrets {
  return new Secrets({
    passwords: systemMachine.passwords,
    sealing: key,
    resolve: secret => resolveSecret(secret, { SMSC_PASSWORD: 'from the environment' }),
  })
}

function temporary(tap: { teardown(fn: () => unknown): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-'))
  tap.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

void t.test('passwords are hashed and sealed, and the same file keeps what is stored', async t => {
  const first = await secrets().protect(gateway(), NO_SETTINGS)
  t.notMatch(JSON.stringify(first), /secret/)
  t.match(first.accounts[0]?.password, { kind: 'argon2id', hash: /^\$argon2id\$.*m=19456,t=2/ })
  t.match(first.connectors[0]?.password, { kind: 'sealed' })
  t.equal(secrets().open(first.connectors[0]!.password), 'secret')

  const again = await secrets().protect(gateway(), first)
  t.equal(JSON.stringify(again), JSON.stringify(first), 'no new revision')
  const other = gateway({
    accounts: [account('esme1', { password: { kind: 'plain', value: 'another' } })],
  })
  const changed = await secrets().protect(other, first)
  t.not(JSON.stringify(changed.accounts[0]), JSON.stringify(first.accounts[0]))
})

void t.test("an outbind's password is sealed, and kept while it is the same", async t => {
  const outbind = {
    host: 'h',
    port: 1,
    systemId: 'us',
    password: { kind: 'plain', value: 'secret2' } as const,
  }
  const given = gateway({ accounts: [account('esme1', { outbind })] })
  const first = await secrets().protect(given, NO_SETTINGS)
  t.notMatch(JSON.stringify(first), /secret/)
  const { password } = first.accounts[0]!.outbind!
  t.equal(secrets().open(password), 'secret2')
  const again = await secrets().protect(given, first)
  t.equal(JSON.stringify(again), JSON.stringify(first), 'no new revision')
})

void t.test('a box opens under its key only', async t => {
  const box = sealing.seal('text', 'here')
  t.equal(sealing.open(box, 'here'), 'text')
  t.equal(sealing.open(box, 'there'), undefined)
  t.equal(new Sealing(Buffer.alloc(32, 8), systemRandom).open(box, 'here'), undefined)
  t.equal(sealing.open('AQ==', 'here'), undefined)
  t.throws(() => secrets(undefined).open({ kind: 'sealed', box }), /node.secretKeyFile/)
})

void t.test('passwordFrom is resolved here, and a mistake names its key', async t => {
  const from = (name: string) =>
    gateway({ connectors: [connector('smsc-a', { password: { kind: 'env', name } })] })
  const found = await secrets(undefined).protect(from('SMSC_PASSWORD'), NO_SETTINGS)
  t.equal(secrets(undefined).open(found.connectors[0]!.password), 'from the environment')
  const missing = secrets().protect(from('NOWHERE'), NO_SETTINGS)
  const mistakes = await missing.catch((error: unknown) => error as SettingsMistakes)
  t.ok(mistakes instanceof SettingsMistakes)
  t.match(mistakes, { errors: [{ key: 'connectors.smsc-a.password', message: /NOWHERE/ }] })
})

void t.test('a key file is hex or octets, and nothing else', async t => {
  const directory = temporary(t)
  const written = (text: string | Buffer): string => {
    writeFileSync(join(directory, 'key'), text)
    return join(directory, 'key')
  }
  t.equal(readKeyFile(written('ab'.repeat(32) + '\n')).length, 32)
  t.equal(readKeyFile(written(Buffer.alloc(32))).length, 32)
  t.throws(() => readKeyFile(written('hunter2')), /openssl rand/)
})

void t.test('boots only grow, also above what the cluster remembers', async t => {
  const directory = temporary(t)
  const folder = await openDataFolder(directory)
  t.equal(await folder.nextBoot(0), 1)
  t.equal(await folder.nextBoot(0), 2)
  t.equal(await folder.nextBoot(9), 10)
  t.equal(await (await openDataFolder(directory)).nextBoot(3), 11)
  writeFileSync(join(directory, 'boot'), 'x')
  await t.rejects(folder.nextBoot(0), /damaged/)
})
