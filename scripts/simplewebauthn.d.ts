// In place of the declarations of @simplewebauthn/server, which need those of a browser: the builds check all declarations that an app
// would see, and the package's own names are described in src/accounts/webauthn-package.ts.
export {};
