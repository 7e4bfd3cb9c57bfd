import { createStore, type StoreApi } from 'zustand/vanilla';
import { ATTACHMENT_LIMITS, HostError, type Attachment, type AttachmentCost } from '../../src-preload/bridge/index.ts';
import { errorWords } from '../language/error-words.ts';
import { texts } from '../language/index.ts';
import type { HostClient } from '../host/host-client.ts';
import { base64Of } from './base64.ts';
import { formatBytes } from './format.ts';

/** A file for a question that is being written. */
export interface Chip {
  readonly key: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** How much of it the host has. */
  readonly sentBytes: number;
  /** Once the host has read it. */
  readonly attachment?: Attachment;
  /** Once it was counted. */
  readonly cost?: AttachmentCost;
  readonly failure?: { readonly message: string; readonly next: string };
}

/** The scope of a conversation that has not begun. */
export const NEW = 'new';

/** By what is being written: a conversation's next question, or the edit of one. */
type Scopes = Readonly<Record<string, readonly Chip[]>>;

export interface Load {
  readonly tokens: number;
  readonly roomTokens: number;
  readonly choosesPassages: boolean;
}

/** What is attached to questions that are not sent yet, for as long as the page is open. The host has the texts. */
export class AttachmentsStore {
  readonly store: StoreApi<Scopes> = createStore(() => ({}));
  readonly #client: Pick<HostClient, 'call'>;
  #nextKey = 0;
  /** One file after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(client: Pick<HostClient, 'call'>) {
    this.#client = client;
  }

  /** Returns how many were too many. */
  add(scope: string, files: readonly File[]): number {
    const room = ATTACHMENT_LIMITS.perQuestion - this.of(scope).length;
    for (const file of files.slice(0, room)) {
      const key = String((this.#nextKey += 1));
      this.#set(scope, [...this.of(scope), { key, name: nameOf(file.name), sizeBytes: file.size, sentBytes: 0 }]);
      this.#last = this.#last.then(() => this.#bring(key, file));
    }
    return Math.max(0, files.length - room);
  }

  /** What a question has already. */
  keep(scope: string, attachments: readonly Attachment[]): void {
    this.#set(scope, attachments.map((attachment) => ({ key: attachment.id, name: attachment.name, sizeBytes: attachment.sizeBytes, sentBytes: attachment.sizeBytes, attachment })));
    void this.measure(scope);
  }

  remove(scope: string, key: string): void {
    const chip = this.of(scope).find((one) => one.key === key);
    this.#set(scope, this.of(scope).filter((one) => one.key !== key));
    if (chip?.attachment !== undefined) this.#discard(chip.attachment.id);
  }

  clear(scope: string): void {
    this.#set(scope, []);
  }

  /** They went with a question, wherever they are now. */
  sent(chips: readonly Chip[]): void {
    const keys = new Set(chips.map(({ key }) => key));
    for (const [scope, here] of Object.entries(this.store.getState())) if (here.some(({ key }) => keys.has(key))) this.#set(scope, here.filter(({ key }) => !keys.has(key)));
  }

  of(scope: string): readonly Chip[] {
    return this.store.getState()[scope] ?? [];
  }

  /** What was attached before the conversation began is its own now, also what is still being brought. */
  begun(id: string): void {
    const chips = this.of(NEW);
    this.#set(NEW, []);
    if (chips.length > 0) this.#set(id, chips);
  }

  /** Counts again what was counted for another model, or not yet. */
  async measure(scope: string): Promise<void> {
    for (const { key, attachment } of this.of(scope)) {
      const cost = attachment === undefined ? undefined : await this.#client.call('attachments.cost', { id: attachment.id }).catch(() => undefined);
      if (cost !== undefined) this.#change(scope, key, { cost });
    }
  }

  async #bring(key: string, file: File): Promise<void> {
    let uploadId: string | undefined;
    try {
      if (file.size > ATTACHMENT_LIMITS.maxBytes) return this.#bringOn(key, { failure: { message: texts().attachments.tooLarge(formatBytes(ATTACHMENT_LIMITS.maxBytes)), next: texts().attachments.tooLargeNext } });
      for (let at = 0; at === 0 || at < file.size; at += ATTACHMENT_LIMITS.partBytes) {
        if (!this.#has(key)) break;
        const part = await base64Of(file.slice(at, at + ATTACHMENT_LIMITS.partBytes));
        ({ uploadId } = await this.#client.call('attachments.upload', { part, ...(uploadId === undefined ? {} : { uploadId }) }));
        this.#bringOn(key, { sentBytes: Math.min(file.size, at + ATTACHMENT_LIMITS.partBytes) });
      }
      if (uploadId === undefined) return;
      if (!this.#has(key)) return this.#discard(uploadId);
      const attachment = await this.#client.call('attachments.read', { uploadId, name: nameOf(file.name) });
      if (!this.#has(key)) return this.#discard(attachment.id);
      this.#bringOn(key, { attachment });
      const cost = await this.#client.call('attachments.cost', { id: attachment.id });
      this.#bringOn(key, { cost });
    } catch (error) {
      if (this.#chip(key)?.attachment === undefined) this.#bringOn(key, { failure: failureOf(error) });
    }
  }

  // Where it is now: its scope may be another than when it began.
  #scopeOf(key: string): string | undefined {
    return Object.entries(this.store.getState()).find(([, chips]) => chips.some((chip) => chip.key === key))?.[0];
  }

  #chip(key: string): Chip | undefined {
    return this.of(this.#scopeOf(key) ?? '').find((chip) => chip.key === key);
  }

  #has(key: string): boolean {
    return this.#chip(key) !== undefined;
  }

  #bringOn(key: string, change: Partial<Chip>): void {
    const scope = this.#scopeOf(key);
    if (scope !== undefined) this.#change(scope, key, change);
  }

  #discard(id: string): void {
    // What stays is forgotten by the host itself, in time.
    this.#client.call('attachments.discard', { id }).catch(() => undefined);
  }

  #change(scope: string, key: string, change: Partial<Chip>): void {
    this.#set(scope, this.of(scope).map((one) => (one.key === key ? { ...one, ...change } : one)));
  }

  #set(scope: string, chips: readonly Chip[]): void {
    this.store.setState({ [scope]: chips });
  }
}

/** Of all that is attached; undefined until all of it was counted. */
export function loadOf(chips: readonly Chip[]): Load | undefined {
  const costs = chips.flatMap(({ cost }) => cost ?? []);
  const [first] = costs;
  if (first === undefined || costs.length < chips.length || costs.some(({ tokens }) => tokens === undefined)) return undefined;
  return { tokens: costs.reduce((sum, { tokens = 0 }) => sum + tokens, 0), roomTokens: first.roomTokens, choosesPassages: first.choosesPassages };
}

/** Whether a question can be sent with them, as far as is known. */
export function canSend(chips: readonly Chip[]): boolean {
  const load = loadOf(chips);
  return chips.every(({ attachment }) => attachment !== undefined) && (load === undefined || load.choosesPassages || load.tokens <= load.roomTokens);
}

export const idsOf = (chips: readonly Chip[]): string[] => chips.flatMap(({ attachment }) => attachment?.id ?? []);

const nameOf = (name: string): string => name.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ').trim().slice(-ATTACHMENT_LIMITS.maxNameChars).trim() || texts().attachments.pasted;

function failureOf(error: unknown): Chip['failure'] & {} {
  const { lost, lostNext } = texts().attachments;
  if (!(error instanceof HostError)) return { message: lost, next: lostNext };
  const { message, next = lostNext } = errorWords(error.wire);
  return { message: sentence(message), next };
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
