import type { ManageService } from '../api/index.ts';
import type { Settings } from './config.ts';
import { listModels, storeStats } from './local-store.ts';
import { addFromHub, listModelFiles, pinModelOrFile, removeModelOrFile } from './model-hub.ts';

/** The store of this node for its owner's programs: what `omninode model` does. */
export const manageService = (settings: Settings): ManageService => {
  const { config } = settings;
  return {
    models: async () => ({
      models: await listModels(config),
      files: (await listModelFiles(config)).map(({ path: _, usedAt, ...file }) => ({ ...file, usedAtMs: usedAt })),
    }),
    store: async () => {
      const { leases: _, unfinished: __, ...stats } = await storeStats(config);
      return stats;
    },
    pin: async (model, isPinned) => {
      const { name } = await pinModelOrFile(config, model, isPinned);
      return { name, isPinned };
    },
    remove: async (model) => ({ freedBytes: await removeModelOrFile(config, model) }),
    add: async ({ source, connections }, { signal, onOutlook, onProgress, pace }) => {
      const { manifestCid } = await addFromHub(settings, { source, connections, contextTokens: config.contextTokens, peers: [] }, {
        signal, onOutlook: ({ name, verdict }) => onOutlook({ name, fits: verdict.fits }), onProgress, pace,
      });
      return manifestCid === undefined ? {} : { manifestCid };
    },
  };
};
