import type { AuthErrorCode, RefusalReason } from './refusal-sentences.js';

/** Where the documentation of the package is published. `scripts/set-owner.mjs` writes the owner. */
export const docsUrl = 'https://OWNER.github.io/nest-gatehouse';

/** The section of the reference about a code; of `INVALID_TOKEN` that about its reason. */
export function pageOf(code: AuthErrorCode, reason: RefusalReason | null = null): string {
  return `${docsUrl}/reference/errors#${anchorOf(code, reason)}`;
}

/** An explanation, with the address of its page at the end. */
export function withPage(explanation: string, code: AuthErrorCode, reason: RefusalReason | null): string {
  return `${explanation}${explanation.endsWith('.') ? '' : '.'} See ${pageOf(code, reason)}`;
}

/** The name of the section: `invalid-token-not-yet-valid`. */
export function anchorOf(code: AuthErrorCode, reason: RefusalReason | null = null): string {
  const name = reason === null ? code : `${code}_${reason}`;
  return name.toLowerCase().replaceAll('_', '-');
}
