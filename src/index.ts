// The module and its options
export { AuthModule } from './auth.module.js';
export type {
  AuthModuleAsyncOptions,
  AuthModuleExtras,
  AuthModuleOptions,
  AuthOptionsFactory,
  HttpOptions,
} from './auth-module-options.js';
export type { ResourceOptions } from './resource-metadata/read-resources.js';
export { Clock } from './clock/clock.js';
export type { ToUser } from './authentication/request-authenticator.js';
export type { AuthEvent, ReportEvent } from './telemetry/auth-event.js';

// Issuers whose tokens are accepted
export { allowInsecureHttpOffLoopback } from './configuration/read-address.js';
export { auth0, type Auth0Options } from './issuers/auth0.js';
export { betterAuth, type BetterAuthOptions } from './issuers/better-auth.js';
export { clerk, type ClerkOptions } from './issuers/clerk.js';
export { cognito, type CognitoOptions } from './issuers/cognito.js';
export { entraId, type EntraIdOptions } from './issuers/entra-id.js';
export { cloudflareAccess, type CloudflareAccessOptions } from './issuers/cloudflare-access.js';
export { firebase, type FirebaseOptions } from './issuers/firebase.js';
export { jwtIssuer, type JwtIssuerOptions } from './issuers/jwt-issuer.js';
export { keycloak, type KeycloakOptions } from './issuers/keycloak.js';
export type { IntrospectionOptions } from './issuers/introspection.js';
export { oidc, type OidcOptions } from './issuers/oidc.js';
export { propelAuth, type PropelAuthOptions } from './issuers/propel-auth/propel-auth.js';
export { stackAuth, type StackAuthOptions } from './issuers/stack-auth/stack-auth.js';
export { supabase, type SupabaseOptions } from './issuers/supabase.js';
export { acceptAnyAudience } from './token/trusted-issuer.js';

// Presets that are not part of this package
export { defineProvider, type IssuerForm, type IssuerTermsForm, type ProviderForm } from './issuers/define-provider.js';
export type { IdentityProvider, ProvidedIssuer } from './issuers/identity-provider.js';
export { keysAt, type KeyOptions } from './issuers/remote-keys.js';
export type { PermissionSource } from './access/issuer-permissions.js';
export type { Algorithm } from './keys/algorithm.js';
export type { KeySource } from './keys/key-source.js';
export type {
  AudienceRule,
  FindFault,
  IssuerTerms,
  SessionStatusSource,
  TokenStatusSource,
} from './token/trusted-issuer.js';
export type { AuthContext, Capability, MissingOption } from './upstream/auth-context.js';
export type { HttpAnswer, HttpCall, HttpCaller } from './upstream/http-client.js';
export { type ClaimMap, type MappedClaims, mapStandardClaims } from './user/claim-map.js';

// Token sources: where a request has its token
export { firstOf, fromBearer } from './request/token-sources.js';
export { fromCookie, type FromCookieOptions } from './request/token-sources.js';
export { fromHeader } from './request/token-sources.js';
export type { RequestView } from './request/request-view.js';
export type { Found, TokenSource } from './request/token-sources.js';

// Kinds of credentials, for authentication schemes of the app
export type { Authentication, SecurityScheme } from './authentication/authentication-scheme.js';
export { AuthenticationScheme } from './authentication/authentication-scheme.js';
export type { ApiKeySource, ConfirmedApiKey } from './authentication/api-key-source.js';
export type { Challenge } from './challenge/error-answers.js';
export type { Credential } from './request/find-credential.js';
export type { MaybePromise } from './token/maybe-promise.js';
export { type AuthUserParts, createAuthUser } from './user/verified-user.js';

// Transports, for transports of the app
export type { CallContext } from './access/guard-context.js';
export type { Answer, HeaderLines } from './challenge/error-answers.js';
export { createRequestView } from './request/request-view.js';
export {
  type ArgumentsOfCall,
  type Caller,
  Transport,
  type TransportContext,
  type TransportPlugin,
} from './transports/transport.js';

// Guards and decorators of routes
export type { OptionalAuthOptions } from './access/route-metadata.js';
export type { PolicyAnswer, PolicyRefusal } from './access/policy-evaluator.js';
export { CurrentProfile } from './decorators/current-profile.decorator.js';
export { CurrentUser } from './decorators/current-user.decorator.js';
export { AcceptCredentials, OptionalAuth } from './decorators/authentication.decorator.js';
export type { PropertyPath } from './decorators/current-user.decorator.js';
export { Public, ResponseMayOutliveToken } from './decorators/authentication.decorator.js';
export { RequireOrganization, type RequireOrganizationOptions } from './decorators/require-organization.decorator.js';
export { RequireAnyPermission, RequirePermissions } from './decorators/require-authorities.decorator.js';
export { type Policy, type PolicyFunction, RequirePolicy } from './decorators/require-policy.decorator.js';
export { RequireProfile } from './decorators/require-policy.decorator.js';
export { StepUp, type StepUpOptions } from './decorators/step-up.decorator.js';
export { RequireAnyRole, RequireRoles } from './decorators/require-authorities.decorator.js';
export { RequireAnyScope, RequireScopes } from './decorators/require-authorities.decorator.js';
export { insufficientScope } from './access/scope-hierarchy.js';
export { VerifyOnline } from './decorators/authentication.decorator.js';
export { AuthErrorFilter } from './guard/auth-error.filter.js';
export { AuthGuard } from './guard/auth.guard.js';
export { Authenticator } from './authentication/authenticator.js';
export { RequestAuthentication } from './authentication/request-authentication.js';
export { JwtStrategy } from './guard/jwt.strategy.js';
export type { AuthUser, ProviderName, UserCredential } from './user/auth-user.js';
export type { Organization } from './user/auth-user.js';
export { tokenOf } from './user/verified-user.js';

// Services
export type { KeyState } from './keys/key-source.js';
export type { ProfileFreshness } from './profiles/profile-cache.js';
export type { ProfileCounters } from './profiles/profile-record.js';
export type { ProfileOptions } from './profiles/profile-options.js';
export type { ProfileSource, SourcedProfile } from './profiles/profile-source.js';
export type { ProfileStore } from './profiles/shared-store.js';
export type { OAuthAccount, UserProfile } from './profiles/user-profile.js';
export {
  type OfIssuer,
  type ProfileLookUp,
  type ProfileState,
  UserProfileService,
} from './profiles/user-profile.service.js';
export type { BreakerState } from './upstream/circuit-breaker.js';
export type { JsonObject } from './token/json-object.js';
export type { TokenHeader } from './token/verified-token.js';
export type { Verification } from './token/trusted-issuer.js';
export { IssuerKeys, type WarmUp } from './token/issuer-keys.js';
export { KeyHealth, type KeyHealthResult } from './token/issuer-keys.js';
export type { RevocationOptions } from './revocation/revocation-options.js';
export {
  type ClientToRevoke,
  RevocationService,
  type RevocationState,
  type SessionToRevoke,
  type TokenToRevoke,
  type UserToRevoke,
} from './revocation/revocation.service.js';
export {
  type RevocationEntry,
  type RevocationKind,
  type RevocationPage,
  RevocationStore,
} from './revocation/revocation-store.js';
export type { DpopMode, DpopOptions } from './dpop/dpop-options.js';
export { DpopReplayStore } from './dpop/dpop-replay-store.js';
export { type ClientCertificateSource, fromProxyHeader, type ProxyHeaderOptions } from './mtls/client-certificate.js';
export type { CertificateFormat } from './mtls/certificate-formats.js';
export type { ExplainedCheck, ExplainedCheckId, ExplainedKind, Explanation } from './explain/explanation.js';
export { TokenExplainer } from './explain/token-explainer.js';
export { TokenVerifier } from './token/token-verifier.js';
export type { VerifiedToken } from './token/verified-token.js';

// Lists of the app's handlers, for audits and OpenAPI documents
export type { HandlerInfo, HandlerKind, Protection } from './audit/handler-inventory.service.js';
export { HandlerInventory, type HttpHandlerInfo } from './audit/handler-inventory.service.js';
export type { HttpRoute } from './audit/http-paths.service.js';
export type { RouteAuditOptions } from './audit/route-audit-options.js';
export { applyAuthToOpenApi, type OpenApiAuthOptions } from './openapi/apply-auth-to-open-api.js';
export type { OpenApiDocument } from './openapi/security-schemes.js';

// Checks of npx nest-gatehouse doctor
export { DoctorCheck, type DoctorContext, type DoctorFinding } from './doctor/doctor-check.js';

// Errors and responses
export type { AnswerBody } from './challenge/error-answers.js';
export { AuthError, type AuthErrorCode, isAuthError, type RefusalReason } from './errors/auth-error.js';
export { ConfigurationError } from './errors/auth-error.js';
export { AuthUnavailableError } from './errors/auth-error.js';
export { RefusalError } from './errors/auth-error.js';

// Names of 0.1.0. Each one is the same symbol as the one that replaces it.
export {
  /** @deprecated Use `HandlerInventory`. Removed in 1.0. */
  HandlerInventory as EntryPoints,
  /** @deprecated Use `HandlerInfo`. Removed in 1.0. */
  type HandlerInfo as EntryPoint,
  /** @deprecated Use `HandlerKind`. Removed in 1.0. */
  type HandlerKind as EntryPointKind,
  /** @deprecated Use `HttpHandlerInfo`. Removed in 1.0. */
  type HttpHandlerInfo as HttpEntryPoint,
} from './audit/handler-inventory.service.js';
export {
  /** @deprecated Use `AuthUnavailableError`. Removed in 1.0. */
  AuthUnavailableError as FaultError,
} from './errors/auth-error.js';
export type {
  /** @deprecated Use `TransportPlugin`. Removed in 1.0. */
  TransportPlugin as Wire,
} from './transports/transport.js';
