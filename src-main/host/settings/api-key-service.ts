import { listKeys, makeKey, removeKey, type ApiKeyService } from '../../api/index.ts';

/** The keys of a home, as `omninode key` has them. */
export const apiKeyService = (home: string): ApiKeyService => ({
  list: async () => ({ keys: await listKeys(home) }),
  create: async (request) => {
    const { text, ...key } = await makeKey(home, request);
    return { key, text };
  },
  remove: async ({ id }) => {
    await removeKey(home, id);
    return {};
  },
});
