import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type Provider from 'oidc-provider';
import type { Interaction } from 'oidc-provider';
import { send } from './local-server.js';
import { findPerson, people, signInAs } from './people.js';
import { consentScreen, failureScreen, screenHeaders, signInScreen } from './screen.js';
import { readAsset } from './screen-assets.js';

/** The provider's pages for signing in and for consent. */
export class SignInScreens {
  private readonly headers: Record<string, string>;

  constructor(
    // Read at each request, because a rotation of keys replaces the Provider, also during a sign-in.
    private readonly provider: () => Provider,
    private readonly pageUrl: string,
  ) {
    this.headers = screenHeaders(pageUrl);
  }

  /** Answers requests for the screens. @returns false for requests that the provider must answer */
  async answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    const [, area, name, action] = path.split('/');
    if (area === 'screens') {
      send(response, await readAsset(name ?? ''));
      return true;
    }
    if (area !== 'interaction') return false;
    try {
      const interaction = await this.provider().interactionDetails(request, response);
      if (request.method === 'POST') await this.act(request, response, interaction, action);
      else await this.show(response, interaction);
    } catch {
      // The interaction has ended or belongs to another browser. The provider's error message would not help the user.
      this.send(response, 400, failureScreen('This sign-in has ended', 'Start again from the page.', this.pageUrl));
    }
    return true;
  }

  private async show(response: ServerResponse, interaction: Interaction): Promise<void> {
    const { uid, session } = interaction;
    const client = await this.clientOf(interaction);
    const html =
      interaction.prompt.name === 'login'
        ? signInScreen({ uid, client, people })
        : consentScreen({ uid, client, person: findPerson(session?.accountId), scopes: missingScopes(interaction) });
    this.send(response, 200, html);
  }

  /** What the client calls itself. Where clients register themselves, nobody has checked it. */
  private async clientOf({ params }: Interaction): Promise<string> {
    const client = await this.provider().Client.find(String(params['client_id']));
    return client?.clientName ?? 'A client without a name';
  }

  private async act(
    request: IncomingMessage,
    response: ServerResponse,
    interaction: Interaction,
    action: string | undefined,
  ): Promise<void> {
    const form = new URLSearchParams(await text(request));
    if (action === 'cancel') {
      const result = { error: 'access_denied', error_description: 'Sign-in was cancelled.' };
      await this.provider().interactionFinished(request, response, result);
    } else if (action === 'consent' && interaction.prompt.name === 'consent') {
      const consent = { grantId: await this.grant(interaction) };
      await this.provider().interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
    } else if (action === 'login' && interaction.prompt.name === 'login') {
      await this.signIn(request, response, interaction, form);
    } else {
      await this.show(response, interaction);
    }
  }

  private async signIn(
    request: IncomingMessage,
    response: ServerResponse,
    interaction: Interaction,
    form: URLSearchParams,
  ): Promise<void> {
    const name = form.get('name') ?? '';
    const person = signInAs(name, form.get('password') ?? '');
    if (!person) {
      const client = await this.clientOf(interaction);
      this.send(response, 401, signInScreen({ uid: interaction.uid, client, people, rejectedName: name }));
      return;
    }
    await this.provider().interactionFinished(request, response, { login: { accountId: person.id } });
  }

  private async grant({ grantId, params, prompt, session }: Interaction): Promise<string> {
    const { Grant } = this.provider();
    const owner = { accountId: session?.accountId ?? '', clientId: String(params['client_id']) };
    const grant = (grantId ? await Grant.find(grantId) : undefined) ?? new Grant(owner);
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
      grant.addResourceScope(resource, scopes.join(' '));
    }
    return grant.save();
  }

  private send(response: ServerResponse, status: number, html: string): void {
    send(response, { status, headers: this.headers, body: html });
  }
}

function missingScopes({ prompt }: Interaction): string[] {
  const { missingOIDCScope, missingResourceScopes } = prompt.details;
  return [...(missingOIDCScope ?? []), ...Object.values(missingResourceScopes ?? {}).flat()];
}
