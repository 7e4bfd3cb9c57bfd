import { describe, expect, it } from 'vitest';
import { asPeerId } from '../../base/index.ts';
import { dtypesOf, withDtype, type RouteStage } from '../coordinator/boundaries.ts';
import type { StageAssignment } from '../ports.ts';
import { keepBoundaries } from './boundaries.ts';

/** One stage per end: layers up to and including it. */
const route = (...ends: readonly number[]): StageAssignment[] => ends.map((last, i) => ({ peer: asPeerId(`peer-${i}`), addresses: [], layers: { first: (ends[i - 1] ?? -1) + 1, last } }));
const sends = (stages: readonly RouteStage[]): string[] => stages.slice(0, -1).map((stage) => `${stage.layers.last} ${stage.sends}`);

describe('the boundaries of a route', () => {
  const stages = withDtype([{ ...route(1)[0]!, sends: 'f32' }, ...route(1, 3, 5).slice(1)], 'f16');

  it('have the pipeline\'s dtype, or their own', () => {
    expect(sends(stages)).toEqual(['1 f32', '3 f16']);
  });

  it('give each stage what it takes and sends; where none come in or go out, both are the same', () => {
    expect([0, 1, 2].map((stage) => dtypesOf(stages, stage))).toEqual([{ takes: 'f32', sends: 'f32' }, { takes: 'f32', sends: 'f16' }, { takes: 'f16', sends: 'f16' }]);
    expect(dtypesOf(withDtype(route(5), 'f16'), 0)).toEqual({ takes: 'f16', sends: 'f16' });
  });
});

describe('after a loss', () => {
  const before = withDtype(route(1, 3, 5), 'f16');

  it('boundaries keep their dtype and new ones are F32, also when stages are lost again', () => {
    const once = keepBoundaries(route(1, 2, 3, 5), before);
    expect(sends(once)).toEqual(['1 f16', '2 f32', '3 f16']);
    const twice = keepBoundaries(route(0, 1, 2, 3, 5), once);
    expect(sends(twice)).toEqual(['0 f32', '1 f16', '2 f32', '3 f16']);
    expect(sends(keepBoundaries(route(1, 3, 5), twice))).toEqual(['1 f16', '3 f16']);
  });

  it('what somebody else says of a boundary does not count', () => {
    expect(sends(keepBoundaries(route(1, 2, 3, 5).map((stage) => ({ ...stage, sends: 'f16' as const })), before))).toEqual(['1 f16', '2 f32', '3 f16']);
  });

  it('a boundary that rounded must not go', () => {
    expect(() => keepBoundaries(route(3, 5), before)).toThrow(expect.objectContaining({ code: 'PIPELINE_BAD_ROUTE', message: expect.stringContaining('after layer 1') }));
    expect(sends(keepBoundaries(route(3, 5), withDtype(route(1, 3, 5), 'f32')))).toEqual(['3 f32']);
  });
});
