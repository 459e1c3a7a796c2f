// The titles of all contenders in tables and charts, this package first, without loading their packages.
export const titles = {
  gatehouse: 'nest-gatehouse',
  'gatehouse-resource': 'nest-gatehouse, with a resource',
  'fast-jwt': 'fast-jwt',
  jose: 'jose',
  'aws-jwt-verify': 'aws-jwt-verify',
  'express-oauth2-jwt-bearer': 'express-oauth2-jwt-bearer',
  jsonwebtoken: 'jsonwebtoken, KeyObject',
  minimum: 'hand-written',
  'minimum-here': 'hand-written, no cache',
  'minimum-pool': 'hand-written, on the thread pool',
  nobody: 'a guard that accepts every request',
  stock: 'passport-jwt + jwks-rsa',
};
