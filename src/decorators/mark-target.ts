import { type AuthMark, writeMark } from '../access/auth-mark.js';

/** A decorator that writes a mark on the handler or on the class it stands on. */
export function markTarget(mark: AuthMark): ClassDecorator & MethodDecorator {
  return (target: object, _name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const handler: unknown = descriptor?.value;
    writeMark(typeof handler === 'function' ? handler : target, mark);
  };
}
