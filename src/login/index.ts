export { LoginModule, type LoginModuleAsyncOptions } from './login.module.js';
export type {
  LoginDecider,
  LoginDeciderClass,
  LoginDecisionContext,
  LoginModuleOptions,
  LoginOptionsFactory,
} from './login-options.js';
export { type LoginChoice, LoginService } from './login.service.js';
export type { ExternalIdentity } from './external-identity.js';
export type { ClientAuthentication, LoginProvider } from './login-provider.js';
export { facebook, type FacebookOptions } from './providers/facebook.js';
export { github, type GitHubOptions } from './providers/github.js';
export { google, type GoogleOptions } from './providers/google.js';
export { linkedIn, type LinkedInOptions } from './providers/linked-in.js';
export { microsoft, type MicrosoftOptions } from './providers/microsoft.js';
export { type OAuthIdentity, oauthProvider, type OAuthProviderOptions } from './providers/oauth-provider.js';
export { openIdProvider, type OpenIdProviderOptions } from './providers/open-id-provider.js';
