import type { UpdateService } from '../api/index.ts';
import type { Logger } from '../base/index.ts';
import type { UpdateState } from '../../src-preload/bridge/index.ts';
import { electronErrors } from './errors.ts';

/** The part of electron-updater's AppUpdater that is used. */
export interface Updater {
  autoDownload: boolean;
  autoInstallOnAppQuit: boolean;
  allowDowngrade: boolean;
  disableWebInstaller: boolean;
  /** Null where it cannot replace what runs. */
  checkForUpdates(): Promise<{ readonly downloadPromise?: Promise<unknown> | null } | null>;
  quitAndInstall(isSilent?: boolean, isForceRunAfter?: boolean): void;
  on(event: 'update-available' | 'update-not-available' | 'update-downloaded', listener: (info: { readonly version: string }) => void): unknown;
  on(event: 'download-progress', listener: (progress: { readonly percent: number }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface AppUpdatesInit {
  /** Or why there is none. */
  readonly updater: Updater | Extract<UpdateState, { kind: 'off' }>['why'];
  readonly publish: (state: UpdateState) => void;
  readonly logger: Logger;
}

export const CHECK_MS = { first: 30_000, every: 6 * 3_600_000 } as const;
const MAX_REASON_CHARS = 300;
const MAX_VERSION_CHARS = 100;

/**
 * Newer versions of the app, from the feed that it was packed with: looked for, downloaded, installed when the app ends. Without a feed nobody is
 * asked. What is downloaded counts only with the SHA-512 of the feed, and on macOS and Windows with the signature of who signed this version.
 */
export class AppUpdates implements UpdateService {
  readonly #init: AppUpdatesInit;
  #state: UpdateState;
  #version = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(init: AppUpdatesInit) {
    this.#init = init;
    const { updater } = init;
    this.#state = typeof updater === 'string' ? { kind: 'off', why: updater } : { kind: 'idle' };
    if (typeof updater !== 'string') this.#follow(updater);
  }

  state(): UpdateState {
    return this.#state;
  }

  /** Looks now and then, until stopped. */
  start(): void {
    if (this.#state.kind === 'off') return;
    this.#timer = setTimeout(() => {
      this.check();
      this.#timer = setInterval(() => this.check(), CHECK_MS.every);
      this.#timer.unref();
    }, CHECK_MS.first);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  check(): UpdateState {
    const { updater } = this.#init;
    const isAsked = ['checking', 'downloading', 'ready'].includes(this.#state.kind);
    if (typeof updater === 'string' || isAsked) return this.#state;
    this.#become({ kind: 'checking' });
    this.#look(updater).catch((error: unknown) => this.#fail(error));
    return this.#state;
  }

  install(): void {
    const { updater } = this.#init;
    if (typeof updater === 'string' || this.#state.kind !== 'ready') throw electronErrors.noUpdate({});
    updater.quitAndInstall(true, true);
  }

  async #look(updater: Updater): Promise<void> {
    const found = await updater.checkForUpdates();
    if (found === null) this.#become({ kind: 'off', why: 'unsupported' });
    await found?.downloadPromise;
  }

  #follow(updater: Updater): void {
    // An older version may have a hole that is known by now.
    Object.assign(updater, { autoDownload: true, autoInstallOnAppQuit: true, allowDowngrade: false, disableWebInstaller: true });
    updater.on('update-not-available', ({ version }) => this.#become({ kind: 'current', version: shown(version) }));
    updater.on('update-available', ({ version }) => {
      this.#version = shown(version);
      this.#become({ kind: 'downloading', version: this.#version, progress: 0 });
    });
    updater.on('download-progress', ({ percent }) => this.#become({ kind: 'downloading', version: this.#version, progress: Math.min(1, Math.max(0, percent / 100)) }));
    updater.on('update-downloaded', ({ version }) => this.#become({ kind: 'ready', version: shown(version) }));
    // What fails before is told by the promises too, and counts once.
    updater.on('error', (error) => void (this.#state.kind === 'ready' && this.#fail(error)));
  }

  #fail(error: unknown): void {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    const coded = electronErrors.updateFailed({ reason: reason.slice(0, MAX_REASON_CHARS) }, error);
    this.#init.logger.warn({ code: coded.code, reason: coded.message }, 'no newer version');
    this.#become({ kind: 'failed', error: coded.toWire() });
  }

  #become(state: UpdateState): void {
    this.#state = state;
    this.#init.publish(state);
  }
}

const shown = (version: string): string => version.slice(0, MAX_VERSION_CHARS) || '?';
