import type { walletDocumentSchema } from '../../../src-preload/bridge/index.ts';
import type { z } from 'zod';

export type DocumentName = z.infer<typeof walletDocumentSchema>;
