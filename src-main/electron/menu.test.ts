import { expect, it } from 'vitest';
import { appMenu } from './menu.ts';

const rolesIn = (platform: NodeJS.Platform, isPackaged: boolean): string[] => appMenu({ platform, appName: 'OmniNode', isPackaged })
  .flatMap(({ submenu }) => (Array.isArray(submenu) ? submenu : [])).flatMap(({ role }) => role ?? []);

it.each(['darwin', 'win32', 'linux'] as const)('on %s has what a text field and a window need, and in a packaged app no developer’s tools', (platform) => {
  const packaged = rolesIn(platform, true);
  expect(packaged).toEqual(expect.arrayContaining(['undo', 'cut', 'copy', 'paste', 'selectAll', 'zoomIn', 'togglefullscreen', 'minimize', 'close', 'about', 'quit']));
  expect(packaged.filter((role) => ['reload', 'forceReload', 'toggleDevTools'].includes(role))).toEqual([]);
  expect(rolesIn(platform, false)).toContain('toggleDevTools');
  // The first menu of a Mac is the app's, whatever it is called.
  expect(appMenu({ platform, appName: 'OmniNode', isPackaged: true })[0]?.label).toBe(platform === 'darwin' ? 'OmniNode' : '&File');
});
