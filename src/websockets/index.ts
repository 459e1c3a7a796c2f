// nest-gatehouse/websockets: gateways with socket.io and with ws
export type { AdapterClass } from './with-auth.adapter.js';
export { userOf } from './web-sockets.js';
export { webSockets } from './web-sockets.js';
export { withAuth } from './with-auth.adapter.js';
