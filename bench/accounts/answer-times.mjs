// Whether the time of an answer tells that a login has an account:
// `npx tsc -p tsconfig.build.json --noCheck --outDir .tmp/hasher && node bench/accounts/answer-times.mjs [tries=200]`.
//
// Wrong passwords, one after the other and in turn: for no account, for an account whose hash was made here, and for accounts with
// imported hashes. docs/decisions/0028-passwords.md has the figures.
import * as bcrypt from '@node-rs/bcrypt';
import { PasswordHasher } from '../../.tmp/hasher/accounts/password-hasher.js';

const tries = Number(process.argv[2] ?? 200);

function at(took, share) {
  return took
    .toSorted((a, b) => a - b)
    [Math.floor(took.length * share)].toFixed(2)
    .padStart(9);
}

async function compare(title, hashes) {
  const hasher = new PasswordHasher();
  const took = new Map(Object.keys(hashes).map((name) => [name, []]));
  for (let round = -3; round < tries; round += 1) {
    // Each round in another order, because a hash warms the caches for the next one.
    const names = Object.keys(hashes).sort(() => Math.random() - 0.5);
    for (const name of names) {
      const began = performance.now();
      if ((await hasher.verify('a wrong password', hashes[name])) !== 'wrong') throw new Error(`${name} is right`);
      if (round >= 0) took.get(name).push(performance.now() - began);
    }
  }
  console.log(`${title.padEnd(40)}      p25    median       p75 (ms, ${tries} tries each)`);
  for (const [name, times] of took) {
    console.log(`  ${name.padEnd(38)}${at(times, 0.25)} ${at(times, 0.5)} ${at(times, 0.75)}`);
  }
}

const own = await new PasswordHasher().hash('the right password');
const dear = await bcrypt.hash('the right password', { cost: 10 });
const cheap = `$pbkdf2-sha256$i=1000$c2FsdHNhbHQ$${'A'.repeat(43)}`;

await compare('Hashes made here', { 'no account': null, 'wrong password': own });
await compare('Imported hashes among them', {
  'no account': null,
  'wrong password': own,
  'wrong password, bcrypt of cost 10': dear,
  'wrong password, PBKDF2, 1,000 iterations': cheap,
});
