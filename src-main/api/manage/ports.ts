import type { DownloadStep, ModelRows, StoreRow } from './schema.ts';

export interface AddSink {
  /** Stops the download; what came stays for the next time. */
  readonly signal: AbortSignal;
  /** Before anything is downloaded. */
  readonly onOutlook: (outlook: { readonly name: string; readonly fits: string }) => void;
  readonly onProgress: (progress: DownloadStep) => void;
  /** Takes as long as so many bytes are to take. */
  readonly pace?: (bytes: number, signal: AbortSignal) => Promise<void>;
}

/** The models of a node, for its owner's programs. Models go by what `omninode model ls` calls them. Failures are CodedErrors. */
export interface ManageService {
  models(): Promise<ModelRows>;
  store(): Promise<StoreRow>;
  pin(model: string, isPinned: boolean): Promise<{ readonly name: string; readonly isPinned: boolean }>;
  remove(model: string): Promise<{ readonly freedBytes: number }>;
  add(request: { readonly source: string; readonly connections?: number | undefined }, sink: AddSink): Promise<{ readonly manifestCid?: string }>;
}
