import { downloadFile, type DownloadOptions } from '../download/download-file.ts';

/** A process of its own that downloads and can be killed at any moment: options as JSON in the last argument, progress by IPC. */
const options = JSON.parse(process.argv.at(-1) ?? '') as DownloadOptions;
const { resumedBytes } = await downloadFile({ ...options, onProgress: (progress) => process.send?.({ progress }) });
process.send?.({ resumedBytes }, () => process.exit());
