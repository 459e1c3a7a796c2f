/** A self-signed certificate, and a token that its key has signed; the private key is gone. */
export const certificatePem = `-----BEGIN CERTIFICATE-----
MIIBiDCCAS+gAwIBAgIUASe7tUcJhymJSzfwc0GOlqaNAJEwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOaXNzdWVyLmV4YW1wbGUwIBcNMjYxMTIyMTM0OTE1WhgPMjEy
NjEwMjkxMzQ5MTVaMBkxFzAVBgNVBAMMDmlzc3Vlci5leGFtcGxlMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEid/PRhr+Bl4fKFISZ46mad3TLkP+2hR12ulOw4Yg
cfFn0jAKCF5kCl9fB/aho0L+xEhVzkrV3iP0Ntprjl1SSaNTMFEwHQYDVR0OBBYE
FNhrDVqhqNo6sgZ6wVNpr182WwGEMB8GA1UdIwQYMBaAFNhrDVqhqNo6sgZ6wVNp
r182WwGEMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgRhDuSFXY
hC/sboDaTIza2H6+DtD5WVb0W+MKp0WxRU0CIHUDWfvEhn8WxA6xchuc0KbPyA6M
pC7aoKtvEAXB1rSt
-----END CERTIFICATE-----
`;

/** `{ iss: 'certified', aud: 'api', sub: 'alice' }`, good for five minutes from `certifiedAt` on. */
export const certifiedToken =
  'eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJjZXJ0aWZpZWQiLCJhdWQiOiJhcGkiLCJzdWIiOiJhbGljZSIsImlhdCI6MTg5' +
  'MzQ1NjAwMCwiZXhwIjoxODkzNDU2MzAwfQ.FawwswbrHNQM4AyOkKzGkOBN5Y6HUAZJHsjS5jbi6-396ENE8nzXu-zlmf08gGOECWQEDZskxnmJ' +
  'n33g2dlQMw';

export const certifiedAt = new Date('2030-01-01T00:00:00Z');
