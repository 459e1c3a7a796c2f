// The owner of the repository on GitHub is part of addresses in a few files. They all carry the same name.
import { readFileSync, writeFileSync } from 'node:fs';

/** The files that are published, or from which published addresses are made. */
export const filesWithOwner = ['package.json', 'README.md', 'src/errors/docs-url.ts'];

const address =
  /(https:\/\/github\.com\/)([\w-]+)(?=\/nest-gatehouse\b)|(https:\/\/)([\w-]+)(?=\.github\.io\/nest-gatehouse\b)/g;

/** The owners in the addresses of a text. @param {string} text */
export function ownersIn(text) {
  return [...text.matchAll(address)].map((found) => found[2] ?? found[4]);
}

/** @param {string} text @param {string} owner */
export function withOwner(text, owner) {
  return text.replaceAll(address, (_, repository, _owner, pages) => `${repository ?? pages}${owner}`);
}

/** Writes the owner into all files. @param {URL} root @param {string} owner */
export function setOwner(root, owner) {
  for (const file of filesWithOwner) {
    const place = new URL(file, root);
    writeFileSync(place, withOwner(readFileSync(place, 'utf8'), owner));
  }
}
