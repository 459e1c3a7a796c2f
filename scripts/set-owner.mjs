// `node scripts/set-owner.mjs NAME` writes the owner of the repository on GitHub into every address that contains it: the fields of
// package.json, the links of the README, and the address of the documentation that log lines name.
import { filesWithOwner, setOwner } from './owner.mjs';

const [owner = ''] = process.argv.slice(2);
if (/^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$/.test(owner)) {
  setOwner(new URL('../', import.meta.url), owner);
  console.log(`The owner is ${owner} in ${filesWithOwner.join(', ')}.`);
} else {
  console.error('Usage: node scripts/set-owner.mjs NAME, with the name of a user or an organization of GitHub.');
  process.exitCode = 2;
}
