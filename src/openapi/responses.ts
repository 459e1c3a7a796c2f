/** The name under which a document describes the body of every refusal. */
export const refusalSchema = 'AuthRefusal';

/** The body of a refusal or a fault, as JSON Schema. */
export const refusalBody = {
  type: 'object',
  required: ['statusCode', 'error', 'message', 'code'],
  properties: {
    statusCode: { type: 'integer' },
    error: { type: 'string' },
    message: { type: 'string' },
    code: { type: 'string', description: 'What happened, as a name that does not change between versions.' },
    reason: { type: 'string', description: 'Why the token was refused; with INVALID_TOKEN only.' },
  },
} as const;

const text = { type: 'string' } as const;
const body = { 'application/json': { schema: { $ref: `#/components/schemas/${refusalSchema}` } } } as const;

/** The answers that the guard gives. `demanded` says what of the user, where something is. */
export function responseOf(status: 401 | 403 | 503, demanded: readonly string[]): object {
  switch (status) {
    case 401:
      return {
        description: 'There is no access token, or one that is not accepted.',
        headers: { 'WWW-Authenticate': { description: 'The challenge of RFC 6750.', schema: text } },
        content: body,
      };
    case 403:
      return { description: `The user may not do this. Asked for: ${demanded.join('; ')}.`, content: body };
    case 503:
      return {
        description: 'The token cannot be judged at the moment.',
        headers: { 'Retry-After': { description: 'Seconds.', schema: text } },
        content: body,
      };
  }
}
