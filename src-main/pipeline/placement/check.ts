import type { CodedError } from '../../base/index.ts';
import { pipelineErrors } from '../errors.ts';
import { roomOf, type CostModel } from './model.ts';
import type { LinkCost, NodeFacts, PlacementRequest } from './request.ts';

/** @throws PIPELINE_BAD_OPTION naming what is not usable. */
export function checkRequest({ layers, nodes, links, load, cutsAllowed = [], ...rest }: PlacementRequest): void {
  demand(layers.length > 0, 'layers', 'a model has at least one');
  demand(layers.every((l) => l.weightBytes > 0 && [l.weightBytes, l.readBytes ?? 0, l.flops, l.kvBytesPerToken, l.activationBytes].every(isAmount)), 'layers', 'sizes must be numbers >= 0, weights > 0');
  demand(new Set(nodes.map(({ peer }) => peer)).size === nodes.length, 'nodes', 'each peer once');
  demand(nodes.every(isNode), 'nodes', 'memory must be >= 0, speeds > 0');
  demand([...links, ...(rest.unmeasuredLink === undefined ? [] : [rest.unmeasuredLink])].every(isLink), 'links', 'round trips must be >= 0, bandwidths > 0');
  demand(cutsAllowed.every((cut, i) => Number.isInteger(cut) && cut > (cutsAllowed[i - 1] ?? 0) && cut < layers.length), 'cutsAllowed', 'cuts must ascend within 1..layers-1');
  demand(Object.values(load).every(isAmount), 'load', 'counts must be numbers >= 0');
  demand(rest.batchTokens >= 1, 'batchTokens', 'must be at least 1');
  demand([rest.boundaryMs, rest.fetchWeight ?? 0, rest.maxReplicas ?? 0].every(isAmount), 'boundaryMs, fetchWeight, maxReplicas', 'must be numbers >= 0');
}

const isAmount = (value: number): boolean => Number.isFinite(value) && value >= 0;
const isLink = ({ rttMs, bytesPerSecond }: LinkCost): boolean => isAmount(rttMs) && bytesPerSecond > 0;
const isNode = (node: NodeFacts): boolean =>
  [node.freeBytes, node.ownerLimitBytes ?? 0, node.stepMs ?? 0, node.fetchBytesPerSecond ?? 0, node.fetchLimitBytes ?? 0].every(isAmount) && node.decodeBytesPerSecond > 0 && node.prefillFlopsPerSecond > 0;

function demand(condition: boolean, option: string, reason: string): void {
  if (!condition) throw pipelineErrors.badOption({ option, reason });
}

/** Why nothing could be placed, as the error to throw. */
export function whyNot(model: CostModel): CodedError {
  const totalLayers = model.request.layers.length;
  for (let piece = 0; piece + 1 < model.edges.length; piece++) {
    const [first, last] = [model.edges[piece] ?? 0, (model.edges[piece + 1] ?? 0) - 1];
    const able = model.nodes.filter((node, i) => (node.fetchBytesPerSecond ?? 0) > 0 || holds(model, i, piece));
    if (able.length === 0) return pipelineErrors.noPlacement({ layer: first, totalLayers });
    const neededBytes = need(model, piece, piece + 1);
    const freeBytes = Math.max(...able.map(roomOf));
    if (neededBytes > freeBytes) return pipelineErrors.doesNotFit({ first, last, neededBytes, freeBytes, missingBytes: neededBytes - freeBytes });
  }
  const neededBytes = need(model, 0, model.edges.length - 1);
  const freeBytes = model.nodes.reduce((sum, node) => sum + roomOf(node), 0);
  if (neededBytes > freeBytes) return pipelineErrors.doesNotFit({ first: 0, last: totalLayers - 1, neededBytes, freeBytes, missingBytes: neededBytes - freeBytes });
  return pipelineErrors.noPlacement({ layer: furthest(model), totalLayers });
}

const need = ({ needBytes }: CostModel, from: number, to: number): number => (needBytes[to] ?? 0) - (needBytes[from] ?? 0);

/** Whether some run of the node's shards covers the piece. */
function holds(model: CostModel, node: number, piece: number): boolean {
  for (let from = 0; from <= piece; from++) {
    for (let to = piece + 1; to < model.edges.length; to++) if (model.lacks(node, from, to) === 0) return true;
  }
  return false;
}

/** The first layer that no row of stages reaches, were nodes free to serve twice. */
function furthest(model: CostModel): number {
  const reached = [true];
  for (let from = 0; from + 1 < model.edges.length; from++) {
    for (let to = from + 1; reached[from] === true && to < model.edges.length; to++) reached[to] ||= model.nodes.some((_, node) => model.fits(node, from, to));
  }
  const edge = reached[model.edges.length - 1] === true ? model.edges.length - 2 : reached.lastIndexOf(true);
  return model.edges[edge] ?? 0;
}
