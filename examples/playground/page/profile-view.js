import { answerText, call, isGood, load } from './call.js';
import { element, fact } from './element.js';

const ages = {
  fresh: 'fresh: the provider was asked for this answer',
  cached: 'cached: the provider was asked less than 15 seconds ago',
  stale: 'stale: given at once, while the provider is asked behind it. Ask again',
};

/**
 * Loads the caller's profile from the app, and the total number of calls from the provider.
 *
 * @returns {Promise<{ text: string, view: HTMLElement }>} what to announce, and what to show
 */
export async function askForProfile(accessToken) {
  const answer = await call('/api/profile', {
    credentials: 'omit',
    headers: { Authorization: `Bearer ${accessToken}` },
  });
  if (!isGood(answer)) {
    const text = `Full profile: ${answerText(answer)}`;
    return { text, view: element('p', { class: 'problem', 'data-part': 'profile-problem' }, text) };
  }
  const { profileRequests } = await load('/playground/provider');
  return { text: ages[answer.body.freshness], view: profileView(answer.body, profileRequests) };
}

/** Shows the profile and its source. */
function profileView({ profile, freshness }, profileRequests) {
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
