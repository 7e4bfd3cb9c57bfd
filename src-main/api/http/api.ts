import type { FastifyInstance } from 'fastify';
import type { Logger } from '../../base/index.ts';
import type { KeyRing } from '../keys/index.ts';
import { addManage } from '../manage/routes.ts';
import { addOpenai } from '../openai/routes.ts';
import type { HostService } from '../ports.ts';

/** Who may use the API, besides the page. */
export interface ApiAccess {
  /** Folder with the keys. */
  readonly home: string;
  /** Other sites whose pages may ask, with a key: `https://chat.example`. */
  readonly origins?: readonly string[];
  /** Answers under way and waiting, over all keys. */
  readonly maxAnswers?: number;
}

const PATHS = { openai: /^\/v1(\/|\?|$)/, any: /^\/(v1|api\/v1)(\/|\?|$)|^\/openapi\.json(\?|$)/ } as const;

export const isApiPath = (url: string, which: keyof typeof PATHS): boolean => PATHS[which].test(url);

interface ApiInit {
  readonly host: HostService;
  readonly logger: Logger;
  readonly access: ApiAccess;
  readonly keys: KeyRing;
}

export function addApi(app: FastifyInstance, { host, logger, access, keys }: ApiInit): void {
  addOpenai(app, { host, keys, logger, ...(access.maxAnswers === undefined ? {} : { maxAnswers: access.maxAnswers }) });
  addManage(app, { host, keys });
}
