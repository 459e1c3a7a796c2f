/** Nobody has answered: the process has ended, or the connection broke in the middle of an answer. */
export class NoAnswer extends Error {
  constructor(who) {
    super(`${who} does not answer. Is the playground still running?`);
  }
}

/** An answer with which the page cannot go on. The message states which one it was. */
export class UnusableAnswer extends Error {
  constructor(answer) {
    super(`${answer.method} ${answer.path} was answered with ${answerText(answer)}`);
  }
}

/** The browser has made or found no passkey: its user has declined, or there is none. */
export class NoPasskey extends Error {
  constructor(problem) {
    super(`The browser gave no passkey: ${problem}`);
  }
}

const expected = [NoAnswer, UnusableAnswer, NoPasskey];

/**
 * Calls the app, or with `who` another server. Every status is an answer; `body` is parsed JSON, text where it is none, and
 * null where there is none.
 *
 * @throws {NoAnswer}
 */
export async function call(path, init = {}, who = 'The playground') {
  // A request that cannot be made at all is a fault of this page, so that error is not caught.
  const request = new Request(path, init);
  const { response, text } = await exchange(request).catch(() => {
    throw new NoAnswer(who);
  });
  return {
    method: request.method,
    path,
    status: response.status,
    statusText: response.statusText,
    challenge: response.headers.get('WWW-Authenticate'),
    retryAfter: response.headers.get('Retry-After'),
    requestId: response.headers.get('X-Request-Id'),
    body: parse(text),
  };
}

/** @returns the body @throws {UnusableAnswer} when the call has failed, {NoAnswer} */
export async function load(path, init) {
  const answer = await call(path, init);
  if (!isGood(answer) || typeof answer.body !== 'object') throw new UnusableAnswer(answer);
  return answer.body;
}

export function isGood({ status }) {
  return status >= 200 && status < 300;
}

/** Status, code and message of an answer, as far as it has them. */
export function answerText({ status, statusText, body }) {
  const { code, reason, message } = body ?? {};
  const facts = [code, reason, message].filter(Boolean).join(', ');
  return facts ? `${status} ${statusText}: ${facts}` : `${status} ${statusText}`;
}

/** What to tell the user about an error. One that is none of those above is a fault of this page. */
export function explain(error) {
  if (expected.some((kind) => error instanceof kind)) return error.message;
  console.error(error);
  return `This page has a fault: ${error?.message ?? error}`;
}

async function exchange(request) {
  const response = await fetch(request);
  return { response, text: await response.text() };
}

function parse(text) {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
