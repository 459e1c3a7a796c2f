import { addRequirement, type DeclaredRequirement } from '../access/requirement-metadata.js';
import { type AuthMetadata, writeAuthMetadata } from '../access/auth-metadata.js';
import { ConfigurationError } from '../errors/configuration-error.js';

/**
 * A decorator that writes a mark on the handler or on the class it stands on.
 *
 * @param where the decorator's name, `@Public`
 * @throws {ConfigurationError} from the decorator, on a field or an accessor: what it is then handed is the class
 * itself, or its prototype, and a mark there would open every handler, or none.
 */
export function applyToTarget(where: string, mark: AuthMetadata): ClassDecorator & MethodDecorator {
  return onTarget(where, (target) => {
    writeAuthMetadata(target, mark);
  });
}

/** A decorator that adds a demand to those that stand on the handler or the class already; throws as `applyToTarget`. */
export function requirementOf(where: string, demand: DeclaredRequirement): ClassDecorator & MethodDecorator {
  return onTarget(where, (target) => {
    addRequirement(target, demand);
  });
}

function onTarget(where: string, write: (target: object) => void): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const marked: unknown = name === undefined ? target : descriptor?.value;
    if (typeof marked !== 'function') {
      throw new ConfigurationError(where, `${String(name)} is no method`, 'Write it on a handler or on a class');
    }
    write(marked);
  };
}
