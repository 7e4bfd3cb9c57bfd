/** What `--hidden` says to a start at login: the node, and no window until somebody asks for it. */
export const HIDDEN = '--hidden';

export interface LifetimeInit {
  readonly platform: NodeJS.Platform;
  readonly closeToTray: boolean;
  readonly hasTray: boolean;
}

/**
 * Whether the app goes on when its last window was closed. On a Mac apps do, and the dock brings the window back; elsewhere only with an icon
 * beside the clock: an app that cannot be seen cannot be ended.
 */
export const goesOnWithoutWindow = ({ platform, closeToTray, hasTray }: LifetimeInit): boolean => platform === 'darwin' || (closeToTray && hasTray);

/** Whether a start opens no window. `wasOpenedAtLogin`: as macOS says, which hands no arguments on. */
export const startsHidden = ({ argv, wasOpenedAtLogin, ...init }: LifetimeInit & { readonly argv: readonly string[]; readonly wasOpenedAtLogin: boolean }): boolean =>
  goesOnWithoutWindow({ ...init, closeToTray: true }) && (argv.includes(HIDDEN) || wasOpenedAtLogin);
