import { isCoded, type CodedError } from '../../base/index.ts';
import { hostErrors } from '../errors.ts';
import type { Affordable } from '../paid/index.ts';
import { routeOverPeers, type Route } from '../route.ts';
import { shardModelFile } from '../sharded-model.ts';
import { whoAnswers } from '../who-answers.ts';
import type { ChatRoute, RouteRequest } from './chat-route.ts';
import { ownershipIn } from './ownership.ts';
import { firstMembers, servingMembers } from './serving-members.ts';

/** What a machine is taken to have free where nobody is there to go by. */
const USUAL_FREE_BYTES = 8e9;

export interface MeshRouteRequest extends RouteRequest {
  /** This machine computes a part of it too; else it only takes over what others lost in the middle of an answer. */
  readonly withSelf: boolean;
}

/**
 * Over members that compute for others, planned by what each is able to do now; those that lack layers fetch them from here.
 *
 * @throws HOST_NOBODY_SERVES, HOST_WANT_PAY, HOST_MESH_TOO_SMALL, PAY_NOT_OPENED, PAY_TOO_DEAR, PIPELINE_*
 */
export async function meshRoute(request: MeshRouteRequest): Promise<ChatRoute> {
  const { settings: { config }, paths, node, spawn, signal, model: { model: source, id }, withSelf, onStatus, onShare, onStep } = request;
  onStep({ kind: 'looking' });
  onStatus('looking for machines that compute for others');
  // Asked before anything is cut: that takes long, and is of no use alone.
  if ((await firstMembers(node, signal)).length === 0) throw hostErrors.nobodyServes({ model: id });
  const model = await shardModelFile(config, { paths, signal, onStatus, onShare, model: source, plan: { kind: 'per-layer' } });
  const { answering: found } = await whoAnswers(node, { addresses: servingMembers(node).flatMap(({ addresses }) => addresses), signal });
  const affordable = await request.pay?.affordable(found.map(({ peer }) => peer)) ?? { peers: found.map(({ peer }) => peer), offers: new Map(), left: [] };
  const answering = found.filter(({ peer }) => affordable.peers.includes(peer));
  if (answering.length === 0) throw wantPay(id, affordable) ?? hostErrors.nobodyServes({ model: id });
  onStep({ kind: 'planning', machines: answering.length + Number(withSelf) });
  onStatus(`planning over ${answering.length} machines`);
  const { mesh } = node;
  const more = () => [...servingMembers(node), { peer: mesh.peerId, addresses: [...mesh.addresses()] }];
  const { route, plan } = await routeOverPeers({ config, paths, node, model, addresses: answering.map(({ address }) => address), withSelf, more, dtype: 'f16', spawn, signal })
    .catch((error: unknown) => Promise.reject(tooSmall(error, { model: id, machines: answering.length + Number(withSelf), affordable })));
  for (const sentence of plan.placement.explanation) onStatus(sentence);
  const { paid, price } = await payment(request, route.stages, affordable).catch(async (error: unknown) => {
    await route.supplies?.stop();
    throw error;
  });
  return {
    ...route, ...(paid === undefined ? {} : { paid }), ...(price === undefined ? {} : { price }), model, isHere: false, addresses: answering.map(({ address }) => address),
    ownershipOf: ownershipIn(mesh.peerId, config),
    // What others take is not known, nor what a stage of this very node takes.
    memoryBytes: () => undefined,
    stop: async () => {
      await paid?.close();
      await Promise.all([route.lessons?.flush(), route.supplies?.stop()]);
    },
  };
}

/** Puts SUM aside for who wants it, or, where nobody has asked anything yet, only says what it would be. */
async function payment({ pay, asked, signal, onPrice }: MeshRouteRequest, stages: Route['stages'], affordable: Affordable): Promise<Pick<ChatRoute, 'paid' | 'price'>> {
  const price = pay?.priceOf(stages, affordable);
  if (pay === undefined || price === undefined) return {};
  onPrice(price);
  if (asked === undefined) return { price };
  const paid = await pay.payFor(stages, affordable, AbortSignal.any([signal, asked]));
  return paid === undefined ? {} : { paid, price };
}

/** Undefined where nobody wants pay. All that are left out are so for much the same reason. */
function wantPay(model: string, { left }: Affordable): CodedError | undefined {
  const [first] = left;
  return first === undefined ? undefined : hostErrors.wantPay({ model, machines: left.length, code: first.code, reason: first.message, next: first.next ?? '' }, first);
}

function unpaidOf({ left: { length, 0: first } }: Affordable): { readonly unpaid?: { readonly machines: number; readonly reason: string } } {
  return first === undefined ? {} : { unpaid: { machines: length, reason: first.message } };
}

function tooSmall(error: unknown, { model, machines, affordable }: { readonly model: string; readonly machines: number; readonly affordable: Affordable }): unknown {
  if (!isCoded(error, 'PIPELINE_DOES_NOT_FIT')) return error;
  const { neededBytes, freeBytes, missingBytes } = error.meta as { readonly neededBytes: number; readonly freeBytes: number; readonly missingBytes: number };
  // As large as those that are there, on the average.
  const eachBytes = freeBytes > 0 ? Math.max(missingBytes / 16, freeBytes / machines) : USUAL_FREE_BYTES;
  return hostErrors.meshTooSmall({ model, machines, neededBytes, freeBytes, more: Math.max(1, Math.ceil(missingBytes / eachBytes)), eachBytes: Math.ceil(eachBytes), ...unpaidOf(affordable) }, error);
}
