import { Controller, type DynamicModule, Get, Inject, Module, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, RequireRoles } from 'nest-gatehouse';
import { AccountsModule } from 'nest-gatehouse/accounts';
import { ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { AccountStore, GroupStore, postgres, type PostgresPool, SqlStoresModule } from 'nest-gatehouse/sql';
import { DataSource } from 'typeorm';
import { PeopleModule, type PeopleOptions } from './people.module.js';
import { UserEntity } from './user-entity.js';

export interface AppOptions extends PeopleOptions {
  readonly publicUrl: string;
  /** The schema of what the package keeps itself: sessions, keys, counts of failures. @defaultValue 'gatehouse' */
  readonly packageSchema?: string;
  /** @defaultValue the environment variable `GATEHOUSE_ENCRYPTION_KEY` */
  readonly encryptionKey?: string;
}

@UseGuards(AuthGuard)
@Controller()
export class AppController {
  constructor(@Inject(DataSource) private readonly source: DataSource) {}

  @Get('profile')
  profile(@CurrentUser() user: AuthUser): object {
    return { id: user.id, roles: user.roles };
  }

  /** The app's own queries go to its own tables, without the package. */
  @RequireRoles('staff')
  @Get('newest')
  newest(): Promise<object[]> {
    return this.source.manager.find(UserEntity, {
      select: { id: true, name: true, createdAt: true },
      order: { createdAt: 'DESC' },
      take: 10,
    });
  }
}

@Module({ controllers: [AppController] })
export class AppModule {
  static with({ publicUrl, packageSchema = 'gatehouse', encryptionKey, ...people }: AppOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        // Before the stores of the package, because modules are closed in reverse, and its pool is theirs as well.
        PeopleModule.forRoot(people),
        SqlStoresModule.forRootAsync({
          except: [AccountStore, GroupStore],
          inject: [DataSource],
          useFactory: (source: DataSource) => ({
            database: postgres(poolOf(source)),
            schema: packageSchema,
            ...(encryptionKey !== undefined && { encryptionKey }),
          }),
        }),
        AuthModule.forRoot({ issuers: ownTokens(), publicUrl }),
        SessionsModule.forRoot(),
        AccountsModule.forRoot({ signUp: 'at-once' }),
      ],
    };
  }
}

/** The pool of `pg` that TypeORM has opened. */
function poolOf(source: DataSource): PostgresPool {
  return (source.driver as unknown as { readonly master: PostgresPool }).master;
}
