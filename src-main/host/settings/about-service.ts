import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { AboutService } from '../../api/index.ts';
import { readSmallFile } from '../../base/index.ts';
import { hostErrors } from '../errors.ts';
import type { AppPaths } from '../paths.ts';

/** What pages may read of the installation, by id. Nothing else is ever opened. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  readme: 'README.md', api: 'docs/api.md', architecture: 'docs/architecture.md', metrics: 'docs/metrics.md', changes: 'CHANGELOG.md',
  'licence-mit': 'LICENSE-MIT', 'licence-apache': 'LICENSE-APACHE',
};
const MAX_DOCUMENT_BYTES = 400_000;
const packageSchema = z.object({ version: z.string(), license: z.string().optional(), dependencies: z.record(z.string(), z.string()).default({}) });

/** Version, licences and documents of this installation. */
export const aboutService = ({ root }: Pick<AppPaths, 'root'>, home: string): AboutService => ({
  get: async () => {
    const own = await readPackage(root);
    const parts = await Promise.all(Object.keys(own?.dependencies ?? {}).map(async (name) => ({ name, found: await readPackage(join(root, 'node_modules', ...name.split('/'))) })));
    const documents = await Promise.all(Object.keys(DOCUMENTS).map(async (id) => ({ id, text: await readDocument(root, id).catch(() => undefined) })));
    return {
      version: own?.version ?? '', licence: licenceOf(own?.license), dataFolder: home.replace(homedir(), '~'),
      parts: parts.flatMap(({ name, found }) => (found === undefined ? [] : [{ name, version: found.version.slice(0, 200), licence: licenceOf(found.license) }])),
      documents: documents.flatMap(({ id, text }) => (text === undefined ? [] : [{ id, title: titleOf(id, text) }])),
    };
  },
  document: async ({ id }) => {
    const text = Object.hasOwn(DOCUMENTS, id) ? await readDocument(root, id) : undefined;
    if (text === undefined) throw hostErrors.noDocument({ id });
    return { title: titleOf(id, text), text };
  },
});

const readPackage = async (folder: string): Promise<z.infer<typeof packageSchema> | undefined> =>
  readFile(join(folder, 'package.json'), 'utf8').then((text) => packageSchema.safeParse(JSON.parse(text)).data, () => undefined);

const readDocument = (root: string, id: string): Promise<string | undefined> =>
  readSmallFile(join(root, DOCUMENTS[id] ?? ''), { limitBytes: MAX_DOCUMENT_BYTES, tooLarge: () => hostErrors.noDocument({ id }) });

const licenceOf = (licence = ''): string => licence.replace(/^\((.*)\)$/, '$1').slice(0, 200);

const titleOf = (id: string, text: string): string => (/^# (.+)$/m.exec(text)?.[1] ?? text.trim().split('\n')[0] ?? id).trim().slice(0, 200);
