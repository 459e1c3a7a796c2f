import { applyDecorators, UseGuards } from '@nestjs/common';

import type { DeclaredRequirement } from '../access/requirement-metadata.js';
import { AuthGuard } from '../guard/auth.guard.js';
import { requirementOf } from './apply-to-target.js';

/** A decorator that demands something and brings along the guard that asks for it. */
export function guardedRequirement(where: string, demand: DeclaredRequirement): ClassDecorator & MethodDecorator {
  return applyDecorators(requirementOf(where, demand), UseGuards(AuthGuard));
}
