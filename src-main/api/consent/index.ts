export type { DocumentName } from './names.ts';
export type { ConsentDesk, WalletDesk } from './ports.ts';
export { WalletDocuments, type WalletDocumentsInit } from './server.ts';
