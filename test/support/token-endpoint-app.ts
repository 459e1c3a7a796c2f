/** Apps with a token endpoint, and clients that call it. */
import {
  type ArgumentMetadata,
  BadRequestException,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { map, type Observable } from 'rxjs';

import type { Platform } from './app.js';
import type { Answer, Call } from './http.js';
import { type KeyStoreApp, type KeyStoreAppParts, startKeyStoreApp } from './key-store-app.js';

/** What many apps put around every answer. */
@Injectable()
class EnvelopeInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

/** Refuses every body with members, as a ValidationPipe with `forbidNonWhitelisted` refuses those that no class has. */
@Injectable()
class ForbidMembersPipe implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    if (type === 'body' && Object.keys(Object(value) as object).length > 0) throw new BadRequestException('forbidden');
    return value;
  }
}

/** With what an app may have around its own routes: none of it concerns the endpoints. */
export function startTokenEndpointApp(platform: Platform, parts: KeyStoreAppParts = {}): Promise<KeyStoreApp> {
  return startKeyStoreApp(platform, {
    ...parts,
    keys: { tokenEndpoint: true, ...parts.keys },
    auth: { guardEverything: true, ...parts.auth } as never,
    prepare: (nest) => {
      nest.setGlobalPrefix('api');
      nest.useGlobalPipes(new ForbidMembersPipe());
      nest.useGlobalInterceptors(new EnvelopeInterceptor());
      parts.prepare?.(nest);
    },
  });
}

type Parameters = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** Posts a form. */
export function post(
  { app }: KeyStoreApp,
  path: string,
  parameters: Parameters | string,
  { headers = [] }: Call = {},
): Promise<Answer> {
  const body =
    typeof parameters === 'string' ? parameters : new URLSearchParams(parameters as Record<string, string>).toString();
  const type = ['Content-Type', 'application/x-www-form-urlencoded'] as const;
  const own = headers.some(([name]) => name.toLowerCase() === 'content-type') ? [] : [type];
  return app.call(path, { method: 'POST', body, headers: [...own, ...headers] });
}

export const grant = { grant_type: 'client_credentials' } as const;

/** Status and error, as RFC 6749 §5.2 has them. */
export function errorOf({ status, json }: Answer): readonly [number, unknown] {
  return [status, (json as { error?: unknown } | undefined)?.error];
}
