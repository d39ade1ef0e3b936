// Who may import whom: the table of DESIGN §7, one rule a row. Everything is an error.
const tests = '\\.test\\.ts$';
const builtin = { dependencyTypes: ['core'] };

/** `from` may reach only what `to` matches, inside this repository. */
function only(name, from, to) {
  return {
    name,
    severity: 'error',
    from: { path: from, pathNot: tests },
    to: { path: '^(main|connector-host|renderer|build|test|bin)/', pathNot: to },
  };
}

const contract = '^main/contract/';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    // Electron gives this module to what runs in it.
    { name: 'must-resolve', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^electron/main$' } },
    {
      name: 'contract-no-node',
      comment: 'The contract is pure: it runs in the window and in connectors as well.',
      severity: 'error',
      from: { path: contract, pathNot: tests },
      to: builtin,
    },
    {
      name: 'contract-schema-library-only',
      severity: 'error',
      from: { path: contract, pathNot: tests },
      to: { path: 'node_modules/', pathNot: 'node_modules/zod/' },
    },
    only('contract', contract, contract),
    only('pipeline', '^main/pipeline/', `${contract}|^main/pipeline/`),
    only('detection', '^main/detection/', `${contract}|^main/detection/`),
    only('policy', '^main/policy/', `${contract}|^main/policy/`),
    only('local-socket', '^main/local-socket/', `${contract}|^main/local-socket/`),
    only('agent', '^main/agent/', `${contract}|^main/agent/|^main/pipeline/|^main/local-socket/`),
    {
      name: 'agent-types-of-pipeline',
      severity: 'error',
      from: { path: '^main/agent/', pathNot: tests },
      to: { path: '^main/pipeline/', dependencyTypesNot: ['type-only'] },
    },
    only('secrets', '^main/secrets/', `${contract}|^main/secrets/`),
    only('outbound', '^main/outbound/', `${contract}|^main/outbound/`),
    only('audit', '^main/audit/', `${contract}|^main/audit/`),
    only('identity', '^main/identity/', `${contract}|^main/identity/`),
    only('references', '^main/references/', `${contract}|^main/references/`),
    only('channel', '^main/channel/', `${contract}|^main/channel/`),
    only('connectors', '^main/connectors/', `${contract}|^main/(connectors/|rate-gate\\.ts$)`),
    only('cli', '^main/cli/(?!redact\\.ts)', `${contract}|^main/cli/|^main/local-socket/`),
    {
      ...only('cli-redact', '^main/cli/redact\\.ts', `${contract}|^main/cli/|^main/pipeline/redact-text\\.ts`),
      comment: '`sallyport redact` is a filter without a gateway: the stages run in the command itself.',
    },
    {
      ...only(
        'authoring',
        '^main/authoring/',
        `${contract}|^main/(authoring|connectors|channel|pipeline/secrets-in-text)/|^main/(product|trusted-commands|outbound/http-(path|headers))\\.ts$`,
      ),
      comment:
        'Starts a gateway for one connector and for minutes: a composition root that is a room. What egress would refuse it says first.',
    },
    only('desktop', '^main/desktop/', `${contract}|^main/desktop/`),
    only('connector-host', '^connector-host/(?!connectors/)', `${contract}|^connector-host/(?!connectors/)`),
    {
      ...only('one-connector', '', ''),
      comment: 'A connector knows the SDK and itself.',
      from: { path: '^connector-host/connectors/([^/]+)/', pathNot: tests },
      to: { path: '^(main|connector-host|renderer|build|test|bin)/', pathNot: '^connector-host/(sdk|connectors/$1)/' },
    },
    only('renderer', '^renderer/', `${contract}|^renderer/`),
    {
      name: 'dialling',
      comment:
        'Only outbound and, through it, the libraries in identity reach the network. Node 24 cannot deny it to a process, so imports are the wall.',
      severity: 'error',
      from: {
        path: '^(main|connector-host)/',
        pathNot: [
          tests,
          '^main/outbound/',
          // An author's backend on this machine, in a program that holds no credential.
          '^main/authoring/(http-)?recorder\\.ts$',
          // Wrap an inherited descriptor in a Socket: no address, no name.
          '^main/channel/(channel-over-socket|hand-over)\\.ts$|^connector-host/(channel-over-fd|wrap)\\.ts$',
          // Opens ports on the loopback of a wrapped server's namespace, which has no other interface.
          '^connector-host/door\\.ts$',
          // Answers on those sockets, behind walls that let it make none.
          '^connector-host/intercept(\\.ts$|/)',
          // Listens for agents; connects to that same Unix socket, to learn whether a living instance holds it.
          '^main/agent/(socket|reused-buffer)\\.ts$',
          // Node's HTTP parser, over connections that came in on that socket.
          '^main/agent/http/http-door\\.ts$',
          // Both ends of the control socket, and the bridge to the agents' socket: Unix sockets.
          '^main/cli/(control-server|control-client|bridge/upstream)\\.ts$',
          // An agent on a gateway's Unix socket, and a port that nobody may reach.
          '^main/authoring/agent\\.ts$',
          // Listens on loopback for the browser that comes back from a sign-in.
          '^main/identity/loopback-listener\\.ts$',
          // Asks whether an inspector is open.
          '^main/(desktop/debugging|secrets/foreign-code)\\.ts$',
          // Listens to the message buses: Unix sockets.
          '^main/desktop/bus-signals\\.ts$',
          // Counts the system's certificate authorities.
          '^main/cli/doctor\\.ts$',
        ].join('|'),
      },
      to: {
        path: '^(node:)?(net|tls|https?|http2|dgram|dns|dns/promises|inspector|inspector/promises)$',
        dependencyTypes: ['core'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'electron-in-desktop',
      severity: 'error',
      from: { pathNot: '^main/desktop/|^main/main\\.ts$|^build/default-app\\.cjs$|^test/' },
      to: { path: '(^|/)electron($|/)' },
    },
    {
      name: 'no-development-packages',
      comment: 'What ships is a dependency.',
      severity: 'error',
      from: { path: '^(main|connector-host|renderer)/', pathNot: tests },
      // Electron is what a package runs in, not what it carries.
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only'],
        pathNot: '^node_modules/electron/',
      },
    },
    {
      name: 'lab-never-in-product',
      severity: 'error',
      from: { path: '^(main|connector-host|renderer)/', pathNot: tests },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|out)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
