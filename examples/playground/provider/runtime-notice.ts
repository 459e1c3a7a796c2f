/**
 * To be called before oidc-provider is imported. It supports current LTS releases only and says so on Node 20, where all that is
 * used here works; the tests hold it. Anything else that it has to say still comes through.
 */
export function muteRuntimeNotice(): void {
  const warn = console.warn.bind(console);
  console.warn = (...parts: unknown[]): void => {
    if (!String(parts[0]).includes('Unsupported runtime')) warn(...parts);
  };
}
