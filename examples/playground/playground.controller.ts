import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Inject,
  NotFoundException,
  Param,
  Post,
  Put,
  Query,
} from '@nestjs/common';
import { Public } from 'nest-gatehouse';
import { PageAddress } from './page-address.js';
import { DemoProvider, type ProviderState } from './provider/demo-provider.js';
import { createFlawedToken, isFlaw } from './provider/flawed-token.js';
import { isMisdeed, type Misdeed, MisbehavingProvider } from './provider/misbehaving-provider.js';
import { findPerson, people } from './provider/people.js';
import { clientId } from './provider/provider-configuration.js';
import { RequestLog } from './request-log.js';

/** Serves what the page needs in addition to the API: the provider's switches, flawed tokens, and the log of a request. */
@Public()
@Controller('playground')
export class PlaygroundController {
  constructor(
    @Inject(DemoProvider) private readonly provider: DemoProvider,
    @Inject(MisbehavingProvider) private readonly misbehaving: MisbehavingProvider,
    @Inject(RequestLog) private readonly log: RequestLog,
    @Inject(PageAddress) private readonly page: PageAddress,
  ) {}

  @Get('settings')
  settings() {
    const { issuer, startedAt } = this.provider;
    return {
      // A token that the browser kept from an earlier run means nothing to this one.
      run: startedAt.toISOString(),
      pageUrl: this.page.url,
      issuer,
      clientId,
      // The page cannot discover it, because it can simulate an outage of discovery.
      endSessionEndpoint: `${issuer}/session/end`,
      people: people.map(({ id, name, password, remark }) => ({ id, name, password, remark })),
    };
  }

  @Get('provider')
  providerState(): ProviderState {
    return this.provider.state();
  }

  @Post('provider/keys')
  rotateKeys(): ProviderState {
    this.provider.rotateKeys();
    return this.provider.state();
  }

  @Put('provider/key-server')
  switchKeyServer(@Body('answering') answering: unknown): ProviderState {
    if (typeof answering !== 'boolean') throw new BadRequestException('answering has to be true or false');
    this.provider.switchKeyServer(answering);
    return this.provider.state();
  }

  @Get('misdeed')
  misdeed(): { readonly misdeed: Misdeed } {
    return { misdeed: this.misbehaving.misdeed };
  }

  @Put('misdeed')
  chooseMisdeed(@Body('misdeed') misdeed: unknown): { readonly misdeed: Misdeed } {
    if (!isMisdeed(misdeed)) throw new BadRequestException('misdeed has to be one of those that the page lists');
    this.misbehaving.misdeed = misdeed;
    return { misdeed };
  }

  @Get('tokens/:flaw')
  flawedToken(@Param('flaw') flaw: string, @Query('person') personId?: unknown) {
    if (!isFlaw(flaw)) throw new NotFoundException();
    return { token: createFlawedToken(flaw, this.provider, findPerson(personId)) };
  }

  @Get('log/:requestId')
  logOf(@Param('requestId') requestId: string) {
    const lines = this.log.find(requestId);
    if (!lines) throw new NotFoundException();
    return { lines };
  }
}
