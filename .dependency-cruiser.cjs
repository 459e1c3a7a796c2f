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
  ['doctor'],
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
  ['issuers', 'revocation', 'dpop', 'mtls', 'websockets', 'microservices', 'openapi'],
  ['issuing'],
  ['resource-metadata'],
  ['sessions'],
  ['api-keys'],
  ['login', 'explain'],
  ['accounts', 'stack-auth'],
  ['sql', 'redis'],
  ['cli'],
];

/** Exceptions: folders to the left that a folder must not import. Events contain no time, because the log adds it. */
const withheld = { telemetry: ['clock'] };

/** Exceptions: files that the order does not hold. The command starts the test issuer on the machine of a developer. */
const exempt = { cli: '^src/cli/issuer-command[.]ts$' };

const folders = ranks.flat();
/** From this folder on, the files of the module itself (src/*.ts) may be imported. */
const firstAfterModule = ranks.findIndex((names) => names.includes('issuing'));
const inside = (names) => `^src/(${names.join('|')})/`;

const layerOf = (folder, rank) => {
  const earlier = ranks.slice(0, rank).flat();
  const allowed = [...earlier.filter((name) => !withheld[folder]?.includes(name)), folder];
  return {
    name: `layer-${folder}`,
    comment: `${folder}/ may import only from: ${allowed.join(', ')}. Move the code left, or put a port (an abstract class) into ${folder}/ for the right to implement.`,
    severity: 'error',
    from: { path: inside([folder]), ...(exempt[folder] && { pathNot: exempt[folder] }) },
    to: { path: '^src/', pathNot: rank < firstAfterModule ? inside(allowed) : `${inside(allowed)}|^src/[^/]+[.]ts$` },
  };
};

/** The entry points. Two patterns, because dependency-cruiser refuses nested quantifiers. */
const entryPoints = ['^src/index[.]ts$', '^src/.+/index[.]ts$'];
const nestRoles = 'module|guard|decorator|strategy|service|controller|transport|adapter|filter';
const vagueNames = 'utils?|helpers?|common|shared|lib|types?|interfaces?|base|impl|manager|constants?';
/** Modules that open connections: Node's own, and clients from the registry. */
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
      comment: 'Two files import each other. Move what both use into a third file, or merge the two.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-index-inside',
      comment:
        'index.ts is the entry point for apps. Import the file that declares the name; entry points cause cycles.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: entryPoints },
    },
    {
      name: 'no-testing-inside',
      comment: 'testing/ has an issuer that signs any claims. The package itself must not import it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(testing/|cli/issuer-command[.]ts$)' },
      to: { path: '^src/testing/' },
    },
    {
      name: 'nest-only-in-role-files',
      comment: `Only *.{${nestRoles.replaceAll('|', ',')}}.ts may import Nest, types included. All other code is plain functions and classes, which are tested without an app.`,
      severity: 'error',
      // These belong to the modules: their providers, and the types of its dynamic form, which are Nest's.
      from: {
        path: '^src/',
        pathNot: [
          `[.](${nestRoles})[.]ts$`,
          '^src/(auth-module-options|auth-module-providers|auth-option-providers|auth-doctor-providers|provide-async-options)[.]ts$',
          '^src/[a-z-]+/[a-z-]+-module-providers[.]ts$',
        ],
      },
      to: { path: '(^|/)node_modules/@nestjs/' },
    },
    {
      name: 'jwks-rsa-only-in-keys',
      comment: 'Keys come from a key source; only keys/ fetches and reads key sets.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/keys/' },
      to: { path: '(^|/)node_modules/jwks-rsa/' },
    },
    {
      name: 'passport-jwt-only-in-strategy',
      comment: 'passport-jwt is the entry point for apps that use passport. Only guard/jwt.strategy.ts uses it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/guard/jwt[.]strategy[.]ts$' },
      to: { path: '(^|/)node_modules/(@types/)?passport-jwt/' },
    },
    {
      name: 'network-only-in-upstream',
      comment:
        'Every outgoing call is made by upstream/: deadline, size limit, https, no redirects. testing/ is a server.',
      severity: 'error',
      // Of Node's `net`, these two use only what reads addresses and compares them.
      from: {
        path: '^src/',
        pathNot: '^src/(upstream|testing)/|^src/(request/network-of|mtls/client-certificate)[.]ts$',
      },
      to: { path: network, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-test-in-src',
      comment: 'Published code must not import files that are not published.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|examples|scripts)/' },
    },
    {
      name: 'no-dev-dependency-in-src',
      comment: 'An app does not install our devDependencies. Make it a dependency or a peer, or remove the import.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'npm-peer'], pathNot: '/node_modules/@types/' },
    },
    {
      name: 'no-unlisted-dependency',
      comment: 'It is only installed as a dependency of a dependency. Add it to package.json, or remove the import.',
      severity: 'error',
      from: { path: '^src/' },
      // An optional peer has both types.
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'no-vague-name',
      comment: 'The name does not tell what the file or folder contains. Name it after its main export.',
      severity: 'error',
      from: {},
      to: { path: `^src/(.*/|)(${vagueNames})(/|[.]ts$)` },
    },
    {
      name: 'entry-only-outside',
      comment: 'End-to-end tests, type tests and examples import the package by its name, as an app does.',
      severity: 'error',
      from: { path: '^(test/(e2e|types)|examples)/' },
      to: { path: '^src/', pathNot: entryPoints },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/package/projects)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    // `import type` counts, because a dependency on types is a dependency.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
