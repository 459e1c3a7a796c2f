// No product but a bound: a guard that lets everybody in shows what Nest itself takes for calling one.
export const nobody = {
  name: 'nobody',
  supports: () => true,
  letsEverybodyIn: true,
  guard: () => ({ guard: { canActivate: () => true } }),
};
