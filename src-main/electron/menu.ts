import type { MenuItemConstructorOptions } from 'electron';

export interface MenuInit {
  readonly platform: NodeJS.Platform;
  readonly appName: string;
  /** The tools of a developer: not in a packaged app. */
  readonly isPackaged: boolean;
}

/** The native menu, of roles alone: the system names them in its own language and gives them its own keys. */
export function appMenu({ platform, appName, isPackaged }: MenuInit): MenuItemConstructorOptions[] {
  const isMac = platform === 'darwin';
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  const roles = (...names: NonNullable<MenuItemConstructorOptions['role']>[]): MenuItemConstructorOptions[] => names.map((role) => ({ role }));
  const own: MenuItemConstructorOptions[] = isMac
    ? [{ label: appName, submenu: [...roles('about'), separator, ...roles('services'), separator, ...roles('hide', 'hideOthers', 'unhide'), separator, ...roles('quit')] }]
    : [];
  return [
    ...own,
    { label: '&File', submenu: roles(isMac ? 'close' : 'quit') },
    { label: '&Edit', submenu: [...roles('undo', 'redo'), separator, ...roles('cut', 'copy', 'paste', ...(isMac ? ['pasteAndMatchStyle' as const] : []), 'delete', 'selectAll')] },
    { label: '&View', submenu: [...roles('resetZoom', 'zoomIn', 'zoomOut'), separator, ...roles('togglefullscreen'), ...(isPackaged ? [] : [separator, ...roles('reload', 'toggleDevTools')])] },
    { label: '&Window', submenu: isMac ? [...roles('minimize', 'zoom'), separator, ...roles('front')] : roles('minimize', 'close') },
    ...(isMac ? [] : [{ label: '&Help', submenu: roles('about') }]),
  ];
}
