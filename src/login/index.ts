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
