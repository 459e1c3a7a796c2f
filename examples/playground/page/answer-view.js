import { byId, element } from './element.js';
import { toneOf } from './send.js';

const verdicts = {
  good: 'let through',
  noted: 'let through as nobody, and told why',
  refused: 'turned away',
  outage: 'cannot be decided now',
};

/** Shows a request and its response, and announces the result to screen readers in one sentence. */
export function showAnswer(answer) {
  const tone = toneOf(answer);
  byId('answer').replaceChildren(
    element(
      'div',
      { class: `verdict ${tone}` },
      element('strong', { 'data-part': 'status' }, `${answer.status} ${answer.statusText}`),
      element('span', {}, verdicts[tone]),
    ),
    element('h3', { class: 'which' }, titleOf(answer)),
    element('p', { class: 'story' }, answer.token.story),
    element(
      'div',
      { class: 'parts' },
      part('Request', requestText(answer)),
      part('Challenge', headersText(answer)),
      part(
        'Body',
        element(
          'pre',
          { class: 'body', tabindex: '0', 'aria-label': 'Body', 'data-part': 'body' },
          JSON.stringify(answer.body, null, 2),
        ),
      ),
      part('The app’s log says', logLines(answer)),
    ),
  );
}

export function summaryOf({ token, route, status, body }) {
  const reason = body.reason ? `, ${body.reason}` : '';
  const code = body.code ? ` ${body.code}${reason}` : '';
  return `${token.label}, ${route.label.toLowerCase()} route: ${status}${code}.`;
}

/** Scrolls to the response where the layout has it below the buttons. */
export function uncoverAnswer() {
  const { top } = byId('result').getBoundingClientRect();
  if (top > innerHeight - 160) byId('result').scrollIntoView({ block: 'start' });
}

/** Shown when the page is open but the server process has ended. */
export function showSilence() {
  const text = 'The playground does not answer. Is it still running?';
  byId('answer').replaceChildren(element('p', { class: 'problem' }, text));
  announce(text);
}

export function announce(text) {
  byId('announcement').textContent = text;
}

function titleOf({ token, route }) {
  return `${token.label} → ${route.label.toLowerCase()} route`;
}

function part(title, content) {
  return element('section', {}, element('h3', {}, title), content);
}

function requestText({ route, authorization }) {
  const text = element('pre', { 'data-part': 'request' }, `GET ${route.path}`);
  if (authorization !== undefined) text.append('\nAuthorization: ', ...inParts(authorization));
  text.append(`\n\n`, element('i', {}, route.mark));
  return text;
}

function headersText({ challenge, retryAfter }) {
  const lines = [];
  if (challenge !== null) lines.push(`WWW-Authenticate: ${challenge}`);
  if (retryAfter !== null) lines.push(`Retry-After: ${retryAfter}`);
  const attributes = lines.length > 0 ? {} : { class: 'none' };
  return element('pre', { ...attributes, 'data-part': 'challenge' }, lines.join('\n') || 'none');
}

function logLines({ log: lines, status }) {
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
  return [
    `${scheme} `,
    ...colouredToken(token, (part) => (part.length > 22 ? `${part.slice(0, 12)}…${part.slice(-6)}` : part)),
  ];
}

export function colouredToken(token, shorten = (part) => part) {
  const names = ['header-part', 'payload-part', 'signature-part'];
  return token
    .split('.')
    .flatMap((part, index) => [index > 0 ? '.' : '', element('span', { class: names[index] }, shorten(part))]);
}
