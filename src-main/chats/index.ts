export type { FileText, NewAttachment } from './attachment-table.ts';
export * from './chats.ts';
export * from './errors.ts';
export type { ChatsEvents } from './events.ts';
export * from './options.ts';
export * from './ports.ts';
