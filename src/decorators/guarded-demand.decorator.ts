import { applyDecorators, UseGuards } from '@nestjs/common';

import type { Demand } from '../access/demand-mark.js';
import { AuthGuard } from '../guard/auth.guard.js';
import { demandOf } from './mark-target.js';

/** A decorator that demands something and brings along the guard that asks for it. */
export function guardedDemand(where: string, demand: Demand): ClassDecorator & MethodDecorator {
  return applyDecorators(demandOf(where, demand), UseGuards(AuthGuard));
}
