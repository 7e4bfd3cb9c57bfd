export { hubErrors } from './errors.ts';
export { parseReference, type ModelReference } from './reference.ts';
export { listHubFiles, searchHub, type HubFile, type HubModel, type HubOptions } from './hub-api.ts';
export { locateFile, remoteSource, type RemoteFile } from './remote-file.ts';
export { downloadFile, type Downloaded, type DownloadOptions, type DownloadProgress } from './download/download-file.ts';
