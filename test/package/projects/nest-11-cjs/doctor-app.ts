// What `npx nest-gatehouse doctor` opens: an app as the Nest CLI compiles it.
import 'reflect-metadata';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, oidc } from 'nest-gatehouse';

@Controller()
class MeController {
  @UseGuards(AuthGuard)
  @Get('me')
  me(@CurrentUser() user: AuthUser): { id: string } {
    return { id: user.id };
  }
}

@Module({
  imports: [AuthModule.forRoot({ issuers: oidc({ issuer: 'https://issuer.example', audience: 'api' }) })],
  controllers: [MeController],
})
export class AppModule {}
