import { availableBytes } from '../../inference/index.ts';
import { whatFits } from '../../store/index.ts';
import { findModel } from '../model-file.ts';
import { FactsReader } from '../models/model-facts.ts';
import type { ChatRoute, RouteRequest } from './chat-route.ts';
import { localRoute } from './local-route.ts';
import { meshRoute } from './mesh-route.ts';

/** Who computes the model that the app chats with. */
export type Ground = 'this-machine' | 'mesh';

/** As its owner wants it; left to us, this machine where the model fits here, and it together with members of the mesh where not. */
export async function groundFor({ settings: { config }, paths, model: { model } }: Pick<RouteRequest, 'settings' | 'paths' | 'model'>): Promise<Ground> {
  if (config.chatOver !== 'auto') return config.chatOver;
  const file = await findModel(model, { paths, config });
  const found = await new FactsReader(config).of(file.path);
  // One that cannot be cut by layers has nobody else to go to.
  if (found?.facts.split === undefined) return 'this-machine';
  return whatFits({ facts: found.facts, contextTokens: config.contextTokens, freeBytes: await availableBytes(), peers: [] }).fits === 'here' ? 'this-machine' : 'mesh';
}

export const openRoute = (ground: Ground, request: RouteRequest): Promise<ChatRoute> =>
  (ground === 'mesh' ? meshRoute({ ...request, withSelf: request.settings.config.chatOver === 'auto' }) : localRoute(request));
