/** An app with two protected resources, one within the other, below a global prefix. */
import { Controller, Get, type INestApplication, Post, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleExtras,
  type AuthModuleOptions,
  CurrentUser,
  insufficientScope,
  OptionalAuth,
  Public,
  RequireAnyScope,
  RequireScopes,
} from 'nest-gatehouse';
import { type AppParts, type Platform, type RunningApp, startApp } from './app.js';

const api = 'https://api.example.com';

/** The identifiers of the resources. */
export const resources = { mcp: `${api}/api/mcp`, admin: `${api}/api/mcp/admin` } as const;

export const wellKnown = '/.well-known/oauth-protected-resource';

/** Where the challenges of a resource lead to. */
export function metadataOf(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}${wellKnown}${pathname}`;
}

@Controller('mcp')
class McpController {
  @RequireScopes('mcp:use')
  @Get()
  read(@CurrentUser('id') id: string): string {
    return id;
  }

  @RequireScopes('mcp:use')
  @RequireAnyScope('cats:read', 'cats:admin')
  @Get('list')
  list(): string {
    return 'cats';
  }

  @RequireScopes('mcp:use')
  @Post('tools')
  callTool(): never {
    throw insufficientScope('cats:write', 'mcp:use');
  }

  @UseGuards(AuthGuard)
  @Get('me')
  me(@CurrentUser('id') id: string): string {
    return id;
  }
}

@Controller('mcp/admin')
class AdminController {
  @RequireScopes('admin')
  @Get()
  read(): string {
    return 'admin';
  }

  @OptionalAuth()
  @Get('open')
  open(@CurrentUser('id') id: string | null): string {
    return id ?? 'nobody';
  }
}

@Controller('cats')
class CatsController {
  @UseGuards(AuthGuard)
  @RequireScopes('cats:list')
  @Get()
  read(): string {
    return 'cats';
  }

  @Public()
  @Post('feed')
  feed(): never {
    throw insufficientScope('cats:feed');
  }
}

interface ResourceAppParts {
  readonly auth: Partial<AuthModuleOptions> & AuthModuleExtras & Pick<AuthModuleOptions, 'issuers'>;
  readonly app?: Pick<AppParts, 'cors' | 'providers' | 'logger'>;
  /** Called after the global prefix was set. */
  readonly prepare?: (nest: INestApplication) => void;
}

export async function startResourceApp(platform: Platform, parts: ResourceAppParts): Promise<RunningApp> {
  const { mcp, admin } = resources;
  const resource = [{ identifier: mcp, name: 'Cats' }, { identifier: admin }];
  return startApp(platform, {
    ...parts.app,
    imports: [AuthModule.forRoot({ publicUrl: api, resource, ...parts.auth })],
    controllers: [AdminController, McpController, CatsController],
    prepare: (nest) => {
      nest.setGlobalPrefix('api');
      parts.prepare?.(nest);
    },
  });
}
