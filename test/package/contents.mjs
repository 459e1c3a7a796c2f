// What is in the tarball: the build, the texts, and nothing that stays at home.
const required = [
  'package.json',
  'README.md',
  'LICENSE',
  'dist/esm/index.js',
  'dist/cjs/index.js',
  'dist/cjs/package.json',
];
const allowed =
  /^(package\.json|README\.md|SECURITY\.md|LICENSE|dist\/cjs\/package\.json|dist\/(esm|cjs)\/.+\.(js|js\.map|d\.ts))$/;

/** @param {string[]} files as `npm pack --json` lists them */
export function checkContents(files) {
  const faults = [
    ...required.filter((file) => !files.includes(file)).map((file) => `missing: ${file}`),
    ...files.filter((file) => !allowed.test(file)).map((file) => `does not belong in: ${file}`),
  ];
  if (faults.length > 0) throw new Error(faults.join('\n'));
}
