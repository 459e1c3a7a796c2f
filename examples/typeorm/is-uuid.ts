/** Whether a text is an id as accounts have it. PostgreSQL takes other spellings for the same, and refuses all other texts. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
