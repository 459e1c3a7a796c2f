// nest-gatehouse/microservices: message handlers, over whatever transport of Nest's
export { microservices, type MicroservicesOptions } from './microservices.js';
export type { ServiceMessage, TokenOfMessage } from './microservices.transport.js';
