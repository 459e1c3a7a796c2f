/** Writes one line. */
export type Say = (line: string) => void;

/** Calls servers as `fetch` does, says what was asked and what came back, and holds that nothing is missing. */
export class Journal {
  private readonly seen: string[] = [];

  constructor(private readonly say: Say) {}

  /** To be handed to whatever calls a server. */
  readonly fetch = async (address: string | URL, init: RequestInit = {}): Promise<Response> => {
    const { host, pathname } = new URL(address);
    const method = init.method ?? 'GET';
    const answer = await fetch(address, init);
    this.seen.push(`${method} ${pathname} ${answer.status}`);
    const asked = `${method} ${host}${pathname}${contentOf(init.body)}`;
    this.say(`   ${asked} -> ${answer.status} ${await summaryOf(answer.clone())}`.trimEnd());
    return answer;
  };

  note(line: string): void {
    this.say(`   ${line}`);
  }

  /**
   * Does one step.
   *
   * @param expected what has to be asked and answered in it: method, path and status
   * @throws {Error} which names the step, if it fails or one of these is missing
   */
  async step<Result>(title: string, expected: readonly string[], act: () => Promise<Result>): Promise<Result> {
    this.say(` ${title}`);
    this.seen.length = 0;
    let result: Result;
    try {
      result = await act();
    } catch (error) {
      throw new Error(`"${title}" failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    const missing = expected.filter((exchange) => !this.seen.includes(exchange));
    if (missing.length === 0) return result;
    throw new Error(
      `"${title}" failed: expected ${missing.join(', ')}; there was ${this.seen.join(', ') || 'nothing'}`,
    );
  }
}

/** The method of an MCP message and the tool that it calls, or the kind of grant. */
function contentOf(body: unknown): string {
  if (body instanceof URLSearchParams) return ` ${body.get('grant_type') ?? ''}`;
  const { method, params } = fieldsOf(body) as { method?: string; params?: { name?: string } };
  return [method, params?.name].map((part) => (part === undefined ? '' : ` ${part}`)).join('');
}

/** The challenge, or what there is to say about the body. Tokens and secrets are left out. */
async function summaryOf(answer: Response): Promise<string> {
  const challenge = answer.headers.get('www-authenticate');
  if (challenge !== null) return challenge;
  const text = await answer.text();
  // MCP answers with an event that contains the message, or with the message.
  const { result, ...fields } = fieldsOf(/^data: (.+)$/m.exec(text)?.[1] ?? text) as { result?: McpResult };
  if (result !== undefined) return result.serverInfo?.name ?? textOf(result);
  const told = ['resource', 'authorization_servers', 'issuer', 'client_id', 'token_type', 'scope', 'error'];
  const known = Object.entries(fields).filter(([name]) => told.includes(name));
  return known.map(([name, value]) => `${name}=${messageOf(value)}`).join(' ');
}

interface McpResult {
  readonly serverInfo?: { readonly name: string };
  readonly content?: readonly object[];
}

/** An error of OAuth is a text, one of MCP an object with a message. */
function messageOf(value: unknown): string {
  return value instanceof Object && 'message' in value ? String(value.message) : String(value);
}

/** What a tool has answered, in one line. */
export function textOf({ content = [] }: McpResult): string {
  const texts = content.map((part) => ('text' in part ? String(part.text) : ''));
  return texts.join('\n').replaceAll('\n', ' | ');
}

function fieldsOf(text: unknown): object {
  try {
    return Object(JSON.parse(String(text))) as object;
  } catch {
    return {};
  }
}
