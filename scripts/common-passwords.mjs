// Writes src/accounts/common-password-list.ts: the 10,000 most common passwords that are long enough to be chosen at all, from the
// list of @zxcvbn-ts/language-common (MIT), which has them by frequency. With --check it only compares.
//
// Compressed they take 36 KB in place of 93; docs/internals/decisions/0028-passwords.md says why so many.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

const path = 'src/accounts/common-password-list.ts';
const most = 10_000;
/** The least `minLength` of the policy: shorter ones are refused anyway. */
const shortest = 8;

const folder = dirname(createRequire(import.meta.url).resolve('@zxcvbn-ts/language-common/package.json'));
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const byFrequency = JSON.parse(readFileSync(join(folder, 'src/passwords.json'), 'utf8'));

const spelled = byFrequency.map((password) => password.normalize('NFKC').toLowerCase());
const chosen = [...new Set(spelled)].filter((password) => [...password].length >= shortest).slice(0, most);
const data = brotliCompressSync(chosen.sort().join('\n'), {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
});

const text = `/*!
 * Written by scripts/common-passwords.mjs from @zxcvbn-ts/language-common ${version}, which is
 * Copyright (c) 2012-2016 Dan Wheeler and Dropbox, Inc., and Copyright (c) 2021 @zxcvbn-ts, under the MIT license.
 */
/** ${chosen.length} passwords in lower case, sorted, one a line; compressed with Brotli, in base64. */
export const commonPasswordList: string =
  '${data.toString('base64')}';
`;

if (process.argv.includes('--check')) {
  if (readFileSync(path, 'utf8') !== text) {
    console.error(`${path} is not what this script writes. Run it without --check.`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(path, text);
  console.log(`${path}: ${chosen.length} passwords, ${data.length} bytes compressed`);
}
