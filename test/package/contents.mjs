// What is in the tarball: the build, the texts, and nothing that stays at home; and how large it may be.
const required = [
  'package.json',
  'README.md',
  'LICENSE',
  'dist/esm/index.js',
  // index.js only names what others hold, and has no map.
  'dist/esm/parts/core.js.map',
  'dist/cjs/index.js',
  'dist/cjs/package.json',
];
/** Source maps are of the ES modules only. */
const allowed =
  /^(package\.json|README\.md|SECURITY\.md|LICENSE|dist\/cjs\/package\.json|dist\/(esm|cjs)\/.+\.(js|d\.ts)|dist\/esm\/.+\.js\.map)$/;

/** The size of the tarball as it is downloaded, in bytes. docs/start/install.md states it. */
export const sizeLimit = 2_400_000;

/** @param {string[]} files as `npm pack --json` lists them */
export function checkContents(files) {
  const faults = [
    ...required.filter((file) => !files.includes(file)).map((file) => `missing: ${file}`),
    ...files.filter((file) => !allowed.test(file)).map((file) => `does not belong in: ${file}`),
  ];
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

/** @param {number} size of the tarball @param {string} installPage the text of docs/start/install.md */
export function checkSize(size, installPage) {
  if (size > sizeLimit) throw new Error(`the tarball has ${size} bytes, more than ${sizeLimit}`);
  const stated = `at most ${sizeLimit / 1e6} MB`;
  if (!installPage.includes(stated)) throw new Error(`docs/start/install.md does not state "${stated}"`);
}
