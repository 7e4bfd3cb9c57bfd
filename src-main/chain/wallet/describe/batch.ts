import type { Batch } from '../../types.ts';
import type { BatchSubject, DecodeCall, ShownCall, Simulation, Warning } from '../types.ts';
import { effectsOf, type ReadCall } from './effects.ts';
import { legible, RowList, type BytesAs, type Viewer } from './rows.ts';

/** Numbers of our contracts that are amounts. */
const AMOUNTS: ReadonlySet<string> = new Set(['amount', 'value', 'caps', 'cap', 'bond', 'escrow']);

/** Bytes of our contracts that say something. */
const BYTES: Readonly<Partial<Record<string, BytesAs>>> = { evidence: 'text', proofOfFault: 'fault' };

export interface BatchInit {
  readonly batch: Batch;
  readonly viewer: Viewer;
  readonly decode: DecodeCall;
  readonly simulation: Simulation;
}

/** A batch as its owner is shown it. Throws WALLET_TOO_MUCH for what nobody could read. */
export function describeBatch({ batch, viewer, decode, simulation }: BatchInit): BatchSubject {
  const read: readonly ReadCall[] = batch.calls.map((call) => ({ call, decoded: decode(call.to, call.data) }));
  const { spends, sessions, warnings } = effectsOf(read, viewer);
  const { kind, chainId, name } = viewer.network;
  return {
    kind: 'batch', chain: { kind, chainId, name }, batch, calls: read.map(({ call, decoded }) => shown({ call, decoded }, viewer)),
    spends, sessions, simulation: { ...simulation, ...(simulation.reason === undefined ? {} : { reason: legible(simulation.reason).slice(0, 500) }) },
    warnings: [...warnings, ...ofSimulation(simulation)],
  };
}

const ofSimulation = ({ outcome }: Simulation): readonly Warning[] => (outcome === 'reverts' ? ['reverts'] : outcome === 'unknown' ? ['not-simulated'] : []);

function shown({ call, decoded }: ReadCall, viewer: Viewer): ShownCall {
  if (decoded === undefined) return { call, rows: [] };
  const list = new RowList(viewer);
  for (const { name, type, value } of decoded.args) list.add({ name: name === '' ? type : name, type, value, isSum: AMOUNTS.has(name), as: BYTES[name] });
  return { call, contract: decoded.contract, name: decoded.name, rows: list.rows };
}

