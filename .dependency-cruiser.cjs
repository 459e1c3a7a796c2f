// Holds the direction of imports in src/: each folder is a step of a guarded request and imports only the steps before
// it. test/rules/layers.spec.ts breaks every rule once, which proves that each rule can fail.

/**
 * From left to right. A folder imports from the ranks before its own and from itself; folders of one rank do not import
 * each other. A new folder is one word in this list.
 */
const ranks = [
  ['errors', 'clock'],
  ['configuration', 'telemetry'],
  ['upstream'],
  ['keys'],
  ['token'],
  ['user', 'request'],
  ['challenge'],
  ['authentication'],
  ['profiles'],
  ['access'],
  ['transports'],
  ['guard'],
  ['decorators'],
  ['audit'],
  ['issuers', 'revocation', 'websockets', 'microservices', 'openapi'],
];

/** What stands before a folder, less these: an event says what happened, and the log adds the time itself. */
const withheld = { telemetry: ['clock'] };

const folders = ranks.flat();
const inside = (names) => `^src/(${names.join('|')})/`;

const layerOf = (folder, rank) => {
  const earlier = ranks.slice(0, rank).flat();
  const allowed = [...earlier.filter((name) => !withheld[folder]?.includes(name)), folder];
  return {
    name: `layer-${folder}`,
    comment: `${folder}/ may import only from: ${allowed.join(', ')}. Move the code left, or put a port (an abstract class) into ${folder}/ for the right to implement.`,
    severity: 'error',
    from: { path: inside([folder]) },
    to: { path: '^src/', pathNot: inside(allowed) },
  };
};

/** The entry points. Two patterns, because dependency-cruiser refuses nested quantifiers. */
const doors = ['^src/index[.]ts$', '^src/.+/index[.]ts$'];
const nestRoles = 'module|guard|decorator|strategy|service|controller|transport|adapter|filter';
const drawers = 'utils?|helpers?|common|shared|lib|types?|interfaces?|base|impl|manager|constants?';
/** Whatever opens a connection: Node's own modules, and clients from the registry. */
const network = [
  '^(node:)?(https?|http2|net|tls|dgram)$',
  '(^|/)node_modules/(undici|axios|got|ky|ofetch|node-fetch|cross-fetch|superagent)/',
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...ranks.flatMap((names, rank) => names.map((name) => layerOf(name, rank))),
    {
      name: 'layer-unlisted',
      comment: 'A folder of src/ that has no place in the order. Give it one in `ranks` of .dependency-cruiser.cjs.',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: inside([...folders, 'testing']) },
    },
    {
      name: 'no-cycle',
      comment: 'Two files need each other. What both use belongs into a third, or one of them into the other.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-index-inside',
      comment:
        'index.ts is the door for apps. Inside, import the file that has the thing; through the door lie cycles.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: doors },
    },
    {
      name: 'no-testing-inside',
      comment: 'testing/ holds an issuer that signs whatever it is asked to. The package itself never reaches for it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/testing/' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'nest-only-in-role-files',
      comment: `Only *.{${nestRoles.replaceAll('|', ',')}}.ts may import Nest, types included. The stations stay plain functions and classes, to be tested without an app.`,
      severity: 'error',
      // The two beside the module hold the types of its dynamic form, which are Nest's.
      from: {
        path: '^src/',
        pathNot: [
          `[.](${nestRoles})[.]ts$`,
          '^src/(auth-module-options|auth-module-providers|provide-async-options)[.]ts$',
        ],
      },
      to: { path: '(^|/)node_modules/@nestjs/' },
    },
    {
      name: 'jwks-rsa-only-in-keys',
      comment: 'Keys come from a key source; only keys/ knows who fetches and reads key sets.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/keys/' },
      to: { path: '(^|/)node_modules/jwks-rsa/' },
    },
    {
      name: 'passport-jwt-only-in-strategy',
      comment: 'passport-jwt is the door for passport people, guard/jwt.strategy.ts, and nothing else goes through it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/guard/jwt[.]strategy[.]ts$' },
      to: { path: '(^|/)node_modules/(@types/)?passport-jwt/' },
    },
    {
      name: 'network-only-in-upstream',
      comment:
        'Every call we make goes through upstream/: deadline, size cap, https, no redirects. testing/ serves, so it may.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(upstream|testing)/' },
      to: { path: network },
    },
    {
      name: 'no-test-in-src',
      comment: 'What ships does not import what stays here.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|examples|scripts)/' },
    },
    {
      name: 'no-dev-dependency-in-src',
      comment: 'An app does not have our devDependencies. Make it a dependency or a peer, or do without.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'npm-peer'], pathNot: '/node_modules/@types/' },
    },
    {
      name: 'no-unlisted-dependency',
      comment: 'It is here by luck: a dependency of a dependency. Name it in package.json, or do without.',
      severity: 'error',
      from: { path: '^src/' },
      // Of a peer that is optional it says both.
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'no-drawer',
      comment: 'Nobody can guess what is in a file or folder of that name. Name it after the one thing in it.',
      severity: 'error',
      from: {},
      to: { path: `^src/(.*/|)(${drawers})(/|[.]ts$)` },
    },
    {
      name: 'entry-only-outside',
      comment: 'End-to-end and type tests and examples stand where an app stands: they import the package by its name.',
      severity: 'error',
      from: { path: '^(test/(e2e|types)|examples)/' },
      to: { path: '^src/', pathNot: doors },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/package/projects)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    // `import type` counts: a station that knows another's types knows the other.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
