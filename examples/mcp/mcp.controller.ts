import { Readable } from 'node:stream';
import { All, Controller, Req, Res, StreamableFile } from '@nestjs/common';
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import { type AuthUser, CurrentUser, insufficientScope, RequireScopes } from 'nest-gatehouse';

/** What is used of a request and a response, which Express and Fastify have both. */
interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
}

interface HttpResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/** The scopes of tools that need more than the route requires. */
const scopesOfTools: ReadonlyMap<unknown, string> = new Map([['add_note', 'notes:write']]);

const newNote = fromJsonSchema<{ text: string }>({
  type: 'object',
  properties: { text: { type: 'string', minLength: 1, maxLength: 200 } },
  required: ['text'],
  additionalProperties: false,
});

@Controller('mcp')
export class McpController {
  /** One board for all callers. */
  private readonly notes: string[] = [];

  @RequireScopes('notes:read')
  @All()
  async answer(
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
    @CurrentUser() user: AuthUser,
  ): Promise<StreamableFile | undefined> {
    requireScopesOfTools(request.body, user);
    // A server for each request: nothing of one caller is left for the next.
    const { fetch: handle } = createMcpHandler(() => this.createServer(user));
    const { status, headers, body } = await handle(toWebRequest(request), { parsedBody: request.body });
    response.status(status);
    for (const [name, value] of headers) response.header(name, value);
    return body === null ? undefined : new StreamableFile(Readable.fromWeb(body));
  }

  private createServer(user: AuthUser): McpServer {
    const server = new McpServer({ name: 'notes', version: '1.0.0' });
    server.registerTool('list_notes', { description: 'Lists the notes on the board' }, () => textOf(this.notes));
    server.registerTool('add_note', { description: 'Puts a note on the board', inputSchema: newNote }, ({ text }) => {
      this.notes.push(`${text} (${user.id})`);
      return textOf(this.notes);
    });
    return server;
  }
}

/**
 * Refuses calls of tools whose scopes the caller lacks, before the SDK begins an answer: it would turn an error within a tool into a
 * result with status 200. One request may contain several calls.
 */
function requireScopesOfTools(body: unknown, user: AuthUser): void {
  const messages = [body].flat() as ({ readonly params?: { readonly name?: unknown } } | null | undefined)[];
  const required = messages.flatMap((message) => scopesOfTools.get(message?.params?.name) ?? []);
  const [first, ...others] = required;
  if (first === undefined || required.every((scope) => user.scopes.includes(scope))) return;
  throw insufficientScope(first, ...others);
}

/** The SDK takes requests as `fetch` does. The address is not looked at. */
function toWebRequest({ method, headers }: HttpRequest): Request {
  const known = Object.entries(headers).filter(([name]) => name !== 'content-length' && name !== 'authorization');
  return new Request('http://mcp.invalid/', { method, headers: known.map(([name, value]) => [name, String(value)]) });
}

function textOf(lines: readonly string[]) {
  return { content: [{ type: 'text' as const, text: lines.length === 0 ? 'no notes' : lines.join('\n') }] };
}
