export { apiKeyPattern, type ApiKeyParts, type ApiKeyText } from './api-key-format.js';
export type { ApiKeyOptionsFactory, ApiKeysModuleOptions } from './api-key-options.js';
export {
  type ApiKeyChanges,
  type ApiKeyQuery,
  ApiKeyStore,
  type ApiKeyUse,
  type ReplacedSecret,
  type StoredApiKey,
} from './api-key-store.js';
export {
  type ApiKey,
  type ApiKeyListOptions,
  type ApiKeyPage,
  ApiKeyService,
  type IssuedApiKey,
  type NewApiKey,
} from './api-key.service.js';
export { ApiKeysModule, type ApiKeysModuleAsyncOptions } from './api-keys.module.js';
export { apiKeys } from './module-api-keys.js';
