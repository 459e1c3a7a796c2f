/** Lets a server of the MCP SDK answer a request of Express or Fastify. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { IncomingMessage, ServerResponse } from 'node:http';

interface Wrapped<Raw> {
  readonly raw?: Raw;
  readonly hijack?: () => void;
}

export type McpRequest = IncomingMessage & Wrapped<IncomingMessage> & { body: unknown };
export type McpResponse = ServerResponse & Wrapped<ServerResponse>;

export async function answerMcp(
  server: McpServer,
  adapter: string,
  request: McpRequest,
  response: McpResponse,
): Promise<void> {
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  if (adapter === 'fastify') response.hijack?.();
  await transport.handleRequest(request.raw ?? request, response.raw ?? response, request.body);
}
