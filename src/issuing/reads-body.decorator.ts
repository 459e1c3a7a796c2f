import 'reflect-metadata';

/** The name under which Nest's adapter for Fastify reads the configuration of a route. */
const fastifyRouteConfig = '__fastify_route_config__';

/** The member of a route's configuration that states that the route reads its body itself. */
export const readsBodyMember = 'nest-gatehouse.reads-body';

const readsBodyMark = Symbol.for('nest-gatehouse.reads-body');

/**
 * For handlers that read the body by `readJsonBody`. Without it, Fastify answers an empty body and other media types before the
 * handler is called, and so do the body parsers of Express for what is not JSON.
 */
export function ReadsBody(): MethodDecorator {
  return (_target, _name, descriptor) => {
    const handler = descriptor.value as object;
    Reflect.defineMetadata(readsBodyMark, true, handler);
    const config = Reflect.getMetadata(fastifyRouteConfig, handler) as object | undefined;
    Reflect.defineMetadata(fastifyRouteConfig, { ...config, [readsBodyMember]: true }, handler);
  };
}

/** Whether a handler has `@ReadsBody()`. */
export function readsBody(handler: object): boolean {
  return Reflect.getMetadata(readsBodyMark, handler) === true;
}
