import type { DesktopService } from '../api/index.ts';
import type { Desktop, DesktopChange } from '../../src-preload/bridge/index.ts';
import type { LoginItem } from './login-item.ts';

export type DesktopChoice = Pick<Desktop, 'closeToTray' | 'notifications'>;

export interface DesktopInit {
  /** Undefined where there is no way to open at login. */
  readonly loginItem: LoginItem | undefined;
  readonly hasTray: () => boolean;
  /** As configured. */
  readonly start: DesktopChoice;
  /** Writes the choice into the configuration. Throws HOST_BAD_CONFIG. */
  readonly save: (choice: Partial<DesktopChoice>) => Promise<void>;
  readonly restart: () => void;
}

/** What the user chose of the window, the tray and notices; in force at once. */
export class DesktopSettings implements DesktopService {
  readonly #init: DesktopInit;
  #choice: DesktopChoice;

  constructor(init: DesktopInit) {
    this.#init = init;
    this.#choice = init.start;
  }

  get choice(): DesktopChoice {
    return this.#choice;
  }

  async get(): Promise<Desktop> {
    const { loginItem, hasTray } = this.#init;
    return { ...this.#choice, hasTray: hasTray(), canOpenAtLogin: loginItem !== undefined, openAtLogin: await loginItem?.isOn() ?? false };
  }

  async set({ openAtLogin, ...choice }: DesktopChange): Promise<Desktop> {
    if (Object.keys(choice).length > 0) {
      await this.#init.save(choice);
      this.#choice = { ...this.#choice, ...choice };
    }
    if (openAtLogin !== undefined) await this.#init.loginItem?.set(openAtLogin);
    return this.get();
  }

  restart(): void {
    this.#init.restart();
  }
}
