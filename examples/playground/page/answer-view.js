import { explain } from './call.js';
import { byId, element } from './element.js';
import { toneOf } from './send.js';

const verdicts = {
  good: 'let through',
  noted: 'let through as nobody, and told why',
  refused: 'turned away',
  outage: 'cannot be decided now',
};

/** Shows a request and its response. @param answer `tone` and `verdict` where the status does not say them */
export function showAnswer(answer) {
  const { tone = toneOf(answer), verdict = answer.status === 500 ? 'a fault of the app' : verdicts[tone] } = answer;
  byId('answer').replaceChildren(
    element(
      'div',
      { class: `verdict ${tone}` },
      element('strong', { 'data-part': 'status' }, `${answer.status} ${answer.statusText}`),
      element('span', {}, verdict),
    ),
    element('h3', { class: 'which' }, answer.title),
    element('p', { class: 'story' }, answer.story),
    element(
      'div',
      { class: 'parts' },
      part('Request', requestText(answer)),
      part(answer.location === undefined ? 'Challenge' : 'Sent on to', headersText(answer)),
      part('Body', bodyText(answer)),
      part('The app’s log says', logLines(answer)),
    ),
  );
}

/** The result in one sentence, for screen readers. */
export function summaryOf({ token, route, status, statusText, body }) {
  const { code, reason } = body ?? {};
  const facts = code ? ` ${[code, reason].filter(Boolean).join(', ')}` : status >= 400 ? ` ${statusText}` : '';
  return `${token.label}, ${route.label.toLowerCase()} route: ${status}${facts}.`;
}

/** Scrolls to the response where the layout has it below the buttons. */
export function uncoverAnswer() {
  const { top } = byId('result').getBoundingClientRect();
  if (top > innerHeight - 160) byId('result').scrollIntoView({ block: 'start' });
}

/** Shown in place of an answer when there is none. */
export function showFailure(error) {
  const text = explain(error);
  byId('answer').replaceChildren(element('p', { class: 'problem' }, text));
  announce(text);
}

export function announce(text) {
  byId('announcement').textContent = text;
}

function part(title, content) {
  return element('section', {}, element('h3', {}, title), content);
}

function requestText({ method, path, authorization, apiKey, form, cookies, mark }) {
  const text = element('pre', { 'data-part': 'request' }, `${method} ${path}`);
  if (authorization !== undefined) text.append('\nAuthorization: ', ...inParts(authorization));
  if (apiKey !== undefined) text.append(`\nx-api-key: ${shortened(apiKey)}`);
  if (form !== undefined) text.append(`\n\n${form}`);
  if (cookies.length > 0) {
    text.append(`\nCookie: ${cookies.map((name) => `${name}=…`).join('; ')}`);
    text.append('\n\n', element('i', {}, 'The browser adds the cookie; no script of this page can read it.'));
  }
  text.append(`\n\n`, element('i', {}, mark));
  return text;
}

function headersText({ challenge, retryAfter, location }) {
  const lines = location === undefined ? [] : [`Location: ${location}`];
  if (challenge !== null) lines.push(`WWW-Authenticate: ${challenge}`);
  if (retryAfter !== null) lines.push(`Retry-After: ${retryAfter}`);
  const attributes = lines.length > 0 ? {} : { class: 'none' };
  return element('pre', { ...attributes, 'data-part': 'challenge' }, lines.join('\n') || 'none');
}

function bodyText({ body }) {
  const attributes = { class: body === null ? 'body none' : 'body', 'data-part': 'body' };
  const text = body === null ? 'none' : typeof body === 'string' ? body : JSON.stringify(body, hideTokens, 2);
  return element('pre', { ...attributes, tabindex: '0', 'aria-label': 'Body' }, text);
}

/** Answers that deliver tokens in the body are shown without them. */
function hideTokens(name, value) {
  return name === 'access_token' || name === 'refresh_token' ? `… (${value.length} characters)` : value;
}

function logLines({ log: { lines, problem }, status }) {
  if (problem !== undefined) return element('div', { class: 'lines none', 'data-part': 'log' }, problem);
  if (lines.length === 0) {
    const text =
      status >= 500
        ? 'Nothing more: an outage is logged once, when it begins.'
        : 'Nothing: there was nothing to explain.';
    return element('div', { class: 'lines none', 'data-part': 'log' }, text);
  }
  return element(
    'ul',
    { class: 'lines', 'data-part': 'log' },
    ...lines.map(({ level, context, message }) =>
      element('li', {}, element('b', { class: level }, level), ' ', element('i', {}, `[${context}]`), ` ${message}`),
    ),
  );
}

/** Shows the three parts of a token, each shortened. */
function inParts(authorization) {
  const [scheme, token] = authorization.split(' ');
  if (!token) return [scheme];
  return [`${scheme} `, ...colouredToken(token, shortened)];
}

function shortened(part) {
  return part.length > 22 ? `${part.slice(0, 12)}…${part.slice(-6)}` : part;
}

export function colouredToken(token, shorten = (part) => part) {
  const names = ['header-part', 'payload-part', 'signature-part'];
  return token
    .split('.')
    .flatMap((part, index) => [index > 0 ? '.' : '', element('span', { class: names[index] }, shorten(part))]);
}
