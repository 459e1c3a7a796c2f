/** The resource indicator of the API (RFC 8707), which is the `aud` of its tokens. */
export const apiAudience = 'https://api.playground.example';
