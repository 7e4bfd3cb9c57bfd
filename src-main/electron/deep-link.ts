import { resolve } from 'node:path';
import { INVITE_LIMITS } from '../../src-preload/bridge/index.ts';

export const PROTOCOL = 'omni';
/** Nothing else of the protocol leads anywhere. */
const JOIN = /^omni:\/\/join\/[\x21-\x7e]+$/i;

/** The invitation among a program's arguments, or in what the system says was opened. Any site can have a browser open such a link: it is only looked at here. */
export function deepLinkIn(args: readonly string[]): string | undefined {
  return args.findLast((arg) => arg.length <= INVITE_LIMITS.maxLinkChars && JOIN.test(arg));
}

/** How the system is to start us for a link: what `app.setAsDefaultProtocolClient` takes. A checkout is Electron with our folder. */
export function protocolClient({ isPackaged, execPath, argv }: { readonly isPackaged: boolean; readonly execPath: string; readonly argv: readonly string[] }): readonly [string, string?, string[]?] {
  const [, folder] = argv;
  return isPackaged || folder === undefined ? [PROTOCOL] : [PROTOCOL, execPath, [resolve(folder)]];
}

/** Keeps the newest link until somebody can show it: macOS opens one before the app is ready. */
export class LinkInbox {
  #take: ((link: string) => void) | undefined;
  #waiting: string | undefined;

  receive(link: string | undefined): void {
    if (link === undefined) return;
    if (this.#take === undefined) this.#waiting = link;
    else this.#take(link);
  }

  deliverTo(take: (link: string) => void): void {
    this.#take = take;
    const link = this.#waiting;
    this.#waiting = undefined;
    this.receive(link);
  }
}
