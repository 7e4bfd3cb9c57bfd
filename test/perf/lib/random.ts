import { seeded } from '../../support/models/index.ts';

/** Whole numbers from 0 to below - 1, the same for the same seed. */
export function randomOf(seed: number): (below: number) => number {
  const random = seeded(seed);
  return (below) => Math.floor(random() * below);
}
