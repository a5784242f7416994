const { readdirSync } = require('node:fs');

/** The house, as rules: imports go one way, from capabilities down to the platform. */
const SERVICES = 'ledger|campaigns|alerts';
const AROUND = 'config|health|http|metrics|cli|doctor|accounting|platform';
const OTHERS = new Set([...SERVICES.split('|'), ...AROUND.split('|')]);
/** Every other folder: a new capability is held to the rules without a line here. */
const CAPABILITIES = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !OTHERS.has(entry.name))
  .map(({ name }) => name)
  .join('|');

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      comment: 'A file that nothing reaches.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: {},
    },
    {
      name: 'capabilities-stand-alone',
      comment:
        'No capability imports another, but for the one edge that the job has: a charge is followed by a budget check.',
      severity: 'error',
      from: { path: `^src/(${CAPABILITIES})/` },
      to: {
        path: `^src/(${CAPABILITIES})/`,
        pathNot: ['^src/$1/', '^src/budget-monitor/budget-monitor\\.(service|module)\\.ts$'],
      },
    },
    {
      name: 'only-clicks-are-budgeted',
      severity: 'error',
      from: { path: `^src/(${CAPABILITIES})/`, pathNot: '^src/(click-balance|budget-monitor)/' },
      to: { path: '^src/budget-monitor/' },
    },
    {
      name: 'services-know-no-capability',
      severity: 'error',
      from: { path: `^src/(${SERVICES})/` },
      to: { path: `^src/(${CAPABILITIES}|health|http|metrics|cli|doctor|accounting)/` },
    },
    {
      name: 'platform-knows-nobody',
      severity: 'error',
      from: { path: '^src/platform/' },
      to: { path: '^src/', pathNot: '^src/(platform|config)/' },
    },
    {
      name: 'config-knows-nobody',
      severity: 'error',
      from: { path: '^src/config/' },
      to: { path: '^src/', pathNot: '^src/config/' },
    },
    {
      name: 'kafkajs-stays-in-the-transport',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(platform/(kafka/|classify))' },
      to: { path: '^node_modules/kafkajs/' },
    },
    {
      name: 'ioredis-stays-in-its-service',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/redis/' },
      to: { path: '^node_modules/ioredis/' },
    },
    {
      name: 'the-sdk-of-opentelemetry-stays-in-tracing',
      comment: 'Everything else knows its API alone, which does nothing where tracing is off.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/tracing/' },
      to: { path: '^node_modules/@opentelemetry/(?!api/)' },
    },
    {
      name: 'production-code-needs-no-tests',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(test|stack|bench|chaos|demo)/' },
    },
    {
      name: 'only-declared-packages',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
