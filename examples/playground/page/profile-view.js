import { element } from './element.js';

const ages = {
  fresh: 'fresh: the provider was asked for this answer',
  cached: 'cached: the provider was asked less than 15 seconds ago',
  stale: 'stale: given at once, while the provider is asked behind it. Ask again',
};

/** Loads the caller's profile from the app, and the total number of calls from the provider. */
export async function askForProfile(accessToken) {
  const response = await fetch('/api/profile', { headers: { Authorization: `Bearer ${accessToken}` } });
  const body = await response.json();
  const { profileRequests } = await (await fetch('/playground/provider')).json();
  return { status: response.status, body, profileRequests };
}

/** Shows the profile and its source. */
export function profileView({ status, body, profileRequests }) {
  if (status !== 200) return element('p', { class: 'problem' }, `${status} ${body.code}: ${body.message}`);
  const { profile, freshness } = body;
  return element(
    'dl',
    { class: 'facts profile' },
    fact('full name', profile.displayName ?? 'unknown'),
    fact('e-mail', profile.primaryEmail ?? 'unknown'),
    fact('remark', profile.raw.remark),
    element(
      'div',
      {},
      element('dt', {}, 'this answer'),
      element('dd', { 'data-freshness': freshness }, ages[freshness]),
    ),
    fact('provider asked', profileRequests === 1 ? 'once' : `${profileRequests} times`),
  );
}

function fact(name, value) {
  return element('div', {}, element('dt', {}, name), element('dd', {}, value));
}
