import t from 'tap'
import { createLogger } from './log.js'
import { prettyLine } from './pretty-line.js'

function lines(): { write: (line: string) => void; all: () => Record<string, unknown>[] } {
  const written: string[] = []
  return {
    write: line => written.push(line),
    all: () => written.map(line => JSON.parse(line) as Record<string, unknown>),
  }
}

void t.test('a line is one JSON object: level, time, event, then fields', async t => {
  const { write, all } = lines()
  createLogger({ write, fields: { node: 2 } })
    .with({ group: 0 })
    .info('leader changed', { term: 7 })
  t.match(all(), [{ level: 'info', event: 'leader changed', node: 2, group: 0, term: 7 }])
  t.match(String(all()[0]?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

void t.test('what is below the level is not written', async t => {
  const { write, all } = lines()
  const log = createLogger({ write, level: 'warn' })
  log.debug('a')
  t.equal(log.debugs, false)
  t.equal(createLogger({ write, level: 'debug' }).with({ group: 0 }).debugs, true)
  log.info('b')
  log.warn('c')
  log.error('d')
  t.same(
    all().map(line => line['event']),
    ['c', 'd'],
  )
})

void t.test('secrets and message text that slip into fields are masked', async t => {
  const { write, all } = lines()
  createLogger({ write }).info('bound', {
    password: 'hunter2',
    account: { password: 'hunter2', systemId: 'a' },
    pdu: { short_message: 'hunter2' },
  })
  t.notMatch(JSON.stringify(all()), /hunter2/)
  t.match(all(), [{ account: { systemId: 'a', password: '***' } }])
})

void t.test('an error brings its message, its cause and where it came from', async t => {
  const { write, all } = lines()
  createLogger({ write }).error('stopped', {
    error: new Error('disk', { cause: new Error('EIO') }),
  })
  t.match(all(), [{ error: { message: 'disk', stack: /log\.test/, cause: { message: 'EIO' } } }])
})

void t.test('the pretty form is short, and leaves what it does not understand alone', async t => {
  const json = JSON.stringify({
    level: 'warn',
    time: '2024-01-02T03:04:05.678Z',
    event: 'leader changed',
    term: 7,
    why: 'no answer',
    to: null,
  })
  t.equal(
    prettyLine(json, false),
    '03:04:05.678 warn  leader changed term=7 why="no answer" to=null\n',
  )
  t.equal(prettyLine('plain\n', false), 'plain\n')
})
