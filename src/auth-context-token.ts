/** The token of the app's `AuthContext`: for the modules that call providers as well. */
export const AUTH_CONTEXT = Symbol('nest-gatehouse.auth-context');
