export * from './chats.ts';
export * from './errors.ts';
export * from './options.ts';
export * from './ports.ts';
