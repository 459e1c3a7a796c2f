/** Names the API in the provider (a resource indicator, RFC 8707) and in the `aud` of every token meant for it. */
export const apiAudience = 'https://api.playground.example';
