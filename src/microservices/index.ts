// nest-gatehouse/microservices: authentication of message handlers, for every transport of Nest
export { microservices, type MicroservicesOptions } from './microservices.js';
export type { ServiceMessage, TokenOfMessage } from './microservices.transport.js';
