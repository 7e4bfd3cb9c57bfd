export { Outbox, type OutboxInit } from './outbox.ts';
export type { OutboxEntry, OutboxEvents, OutboxStep, TxStatus } from './types.ts';
