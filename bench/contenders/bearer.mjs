// What every hand-written guard of this folder does: take the token out of the header, refuse with a 401.
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
