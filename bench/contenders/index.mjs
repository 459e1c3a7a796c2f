// All contenders.
import { awsJwtVerify } from './aws-jwt-verify.mjs';
import { expressOauth2 } from './express-oauth2-jwt-bearer.mjs';
import { fastJwt } from './fast-jwt.mjs';
import { gatehouse, gatehouseResource } from './gatehouse.mjs';
import { jose } from './jose.mjs';
import { jsonwebtoken } from './jsonwebtoken.mjs';
import { minimum, minimumHere, minimumInPool } from './minimum.mjs';
import { nobody } from './nobody.mjs';
import { stock } from './stock.mjs';
import { titles } from './titles.mjs';

const contenders = [
  gatehouse,
  gatehouseResource,
  stock,
  jose,
  fastJwt,
  awsJwtVerify,
  expressOauth2,
  jsonwebtoken,
  minimum,
  minimumHere,
  minimumInPool,
  nobody,
];

export function findContender(name) {
  const found = contenders.find((contender) => contender.name === name);
  if (found === undefined) throw new Error(`No contender ${name}; there are ${Object.keys(titles).join(', ')}`);
  return { ...found, title: titles[name] };
}
