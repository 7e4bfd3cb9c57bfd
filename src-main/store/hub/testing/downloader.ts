import { Catalog } from '../../catalog/index.ts';
import { downloadFile, type DownloadOptions } from '../download/download-file.ts';

/** A process of its own that downloads and can be killed at any moment: the catalogue's path and options as JSON in the last argument, progress by IPC. */
const { catalogPath, ...options } = JSON.parse(process.argv.at(-1) ?? '') as Omit<DownloadOptions, 'leases'> & { readonly catalogPath: string };
const { leases } = new Catalog(catalogPath);
const { resumedBytes } = await downloadFile({ ...options, leases, onProgress: (progress) => process.send?.({ progress }) });
process.send?.({ resumedBytes }, () => process.exit());
