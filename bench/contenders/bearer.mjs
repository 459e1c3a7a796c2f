// The part that every hand-written guard of this folder shares: it reads the token from the header and refuses with 401.
import { UnauthorizedException } from '@nestjs/common';

function bearerOf(request) {
  const header = request.headers.authorization;
  if (header?.startsWith('Bearer ') !== true) throw new UnauthorizedException();
  return header.slice(7);
}

/** A guard around a function that throws for a bad token, as the READMEs of these packages show it. */
export function guardBy(verify) {
  return {
    async canActivate(context) {
      const request = context.switchToHttp().getRequest();
      const token = bearerOf(request);
      try {
        request.user = await verify(token);
      } catch {
        throw new UnauthorizedException();
      }
      return true;
    },
  };
}
