/** What PropelAuth's API has to be told of a project. */
export interface PropelAuthApi {
  readonly apiUrl: string;
  /** The project's host name, which the shared API tells projects apart by. */
  readonly authHost: string;
  readonly apiKey: string;
}

export function propelAuthHeaders({ apiKey, authHost }: PropelAuthApi): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${apiKey}`, 'x-propelauth-url': authHost };
}

/** An address of the API. */
export function propelAuthAddress({ apiUrl }: PropelAuthApi, path: string): string {
  return `${apiUrl.replace(/\/+$/, '')}${path}`;
}
