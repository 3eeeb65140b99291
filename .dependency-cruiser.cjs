/** Rooms and the way their imports point. The table is the rule; docs/ARCHITECTURE.md draws it. */
const ROOMS = {
  'src/base': [],
  'src/smpp': [],
  'src/text': ['src/smpp'],
  'src/policy': ['src/smpp', 'src/text'],
  'src/journal': ['src/smpp', 'src/policy'],
  'src/link': ['src/smpp'],
  'src/front': ['src/smpp', 'src/text', 'src/policy', 'src/journal', 'src/link'],
  'src/upstream': ['src/smpp', 'src/text', 'src/policy', 'src/journal', 'src/link'],
  'src/api': ['src/journal', 'src/policy', 'src/text'],
  'src/telemetry': [],
  'src/config': ['src/policy', 'src/text'],
  cluster: [],
  'src/tools': ['src/smpp', 'src/link'],
}
/** Rooms that wire others together: they may import anything above them. */
const OPEN_ROOMS = ['src/node', 'src/cli', 'src/testing', 'chaos', 'bench']

const escape = room => room.replace('/', '\\/')
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...Object.entries(ROOMS).map(([room, may]) => ({
      name: `room ${room}`,
      severity: 'error',
      from: { path: `^${escape(room)}/`, pathNot: '\\.test\\.ts$|/testing/' },
      to: {
        path: '^(src|cluster|chaos|bench)/',
        pathNot: [`^${escape(room)}/`, '^src/base/', ...may.map(m => `^${escape(m)}/`)],
      },
    })),
    {
      name: 'only cluster/engine.ts knows the Raft engine',
      severity: 'error',
      from: { path: '^(src|cluster|chaos|bench)/', pathNot: '^cluster/engine' },
      to: { path: '@coaty/consensus' },
    },
    {
      name: 'only cluster/log wraps LevelDB',
      severity: 'error',
      from: { path: '^(src|cluster|chaos|bench)/', pathNot: '^cluster/log/' },
      to: { path: 'node_modules/(level|classic-level|abstract-level)' },
    },
    {
      name: 'nothing imports the open rooms',
      severity: 'error',
      from: {
        pathNot: `^(${OPEN_ROOMS.map(escape).join('|')})/|^src/main\\.ts$|\\.(test|sim)\\.ts$|/testing/`,
      },
      to: { path: `^(${OPEN_ROOMS.map(escape).join('|')})/` },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
}
