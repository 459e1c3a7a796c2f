import { Controller, Delete, HttpCode, Inject, NotFoundException, Param, Post } from '@nestjs/common';
import { AcceptCredentials, CurrentUser } from 'nest-gatehouse';
import { type ApiKey, ApiKeyService } from 'nest-gatehouse/api-keys';

/** What a new key and a new secret are answered with. The secret is in this answer and nowhere else. */
interface KeyAnswer {
  readonly id: string;
  readonly secret: string;
  readonly text: string;
  readonly key: ApiKey;
}

/**
 * Where users make and revoke their API keys. The user comes from the guard, never from the body, and a key makes no keys:
 * `@AcceptCredentials('access-token')` refuses it here.
 */
@AcceptCredentials('access-token')
@Controller('playground/keys')
export class KeysController {
  constructor(@Inject(ApiKeyService) private readonly keys: ApiKeyService) {}

  @Post()
  create(@CurrentUser('id') userId: string): Promise<KeyAnswer> {
    return this.keys.create({ userId, name: 'Made in the playground', scopes: ['notes:read'] });
  }

  @Post(':id/rotate')
  @HttpCode(200)
  async rotate(@CurrentUser('id') userId: string, @Param('id') id: string): Promise<KeyAnswer> {
    await this.requireOwn(id, userId);
    return this.keys.rotate(id);
  }

  @Delete(':id')
  @HttpCode(204)
  async revoke(@CurrentUser('id') userId: string, @Param('id') id: string): Promise<void> {
    await this.requireOwn(id, userId);
    await this.keys.revoke(id);
  }

  /** Whoever asks for the key of another user learns nothing about it. */
  private async requireOwn(id: string, userId: string): Promise<void> {
    const key = await this.keys.find(id);
    if (key?.userId !== userId) throw new NotFoundException();
  }
}
