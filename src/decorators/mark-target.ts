import { type AuthMark, writeMark } from '../access/auth-mark.js';
import { ConfigurationError } from '../errors/configuration-error.js';

/**
 * A decorator that writes a mark on the handler or on the class it stands on.
 *
 * @throws {ConfigurationError} from the decorator, on a field or an accessor: what it is then handed is the class
 * itself, or its prototype, and a mark there would open every handler, or none.
 */
export function markTarget(mark: AuthMark): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const marked: unknown = name === undefined ? target : descriptor?.value;
    if (typeof marked !== 'function') {
      const where = mark.mode === 'public' ? '@Public' : '@OptionalAuth';
      throw new ConfigurationError(where, `${String(name)} is no method`, 'Write it on a handler or on a class');
    }
    writeMark(marked, mark);
  };
}
