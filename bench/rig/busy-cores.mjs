// Makes a load beside the measurement, as on a machine that is shared: one process that spins for each core.
import { Child } from './child.mjs';

/** Starts the load, and gives a function that ends it. The processes also end by themselves when this one does. */
export async function keepCoresBusy(cores) {
  const children = Array.from({ length: cores }, () => new Child(new URL('./spin-process.mjs', import.meta.url)));
  await Promise.all(children.map((child) => child.ask('start')));
  return () => Promise.all(children.map((child) => child.stop()));
}
