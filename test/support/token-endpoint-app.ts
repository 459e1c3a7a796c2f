/** Apps with a token endpoint, and clients that call it. */
import {
  Body,
  type CallHandler,
  Controller,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  Post,
  ValidationPipe,
} from '@nestjs/common';
import { IsString } from 'class-validator';
import { CurrentUser, RequireScopes } from 'nest-gatehouse';
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

class NewCat {
  @IsString()
  name!: string;
}

@Controller('cats')
class CatsController {
  @RequireScopes('cats:write')
  @Post()
  create(@Body() { name }: NewCat, @CurrentUser('id') owner: string): object {
    return { name, owner };
  }
}
// What a compiler with `emitDecoratorMetadata` writes, for the pipe.
Reflect.defineMetadata('design:paramtypes', [NewCat, String], CatsController.prototype, 'create');

/** With what an app may have around its own routes, such as `POST /api/cats`: none of it concerns the endpoints. */
export function startTokenEndpointApp(platform: Platform, parts: KeyStoreAppParts = {}): Promise<KeyStoreApp> {
  return startKeyStoreApp(platform, {
    ...parts,
    keys: { tokenEndpoint: true, ...parts.keys },
    auth: { guardEverything: true, ...parts.auth } as never,
    controllers: [CatsController, ...(parts.controllers ?? [])],
    prepare: (nest) => {
      nest.setGlobalPrefix('api');
      nest.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true }));
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
  { headers = [], ...call }: Call = {},
): Promise<Answer> {
  const body =
    typeof parameters === 'string' ? parameters : new URLSearchParams(parameters as Record<string, string>).toString();
  const type = ['Content-Type', 'application/x-www-form-urlencoded'] as const;
  const own = headers.some(([name]) => name.toLowerCase() === 'content-type') ? [] : [type];
  return app.call(path, { ...call, method: 'POST', body, headers: [...own, ...headers] });
}

export const grant = { grant_type: 'client_credentials' } as const;

/** Status and error, as RFC 6749 §5.2 has them. */
export function errorOf({ status, json }: Answer): readonly [number, unknown] {
  return [status, (json as { error?: unknown } | undefined)?.error];
}
