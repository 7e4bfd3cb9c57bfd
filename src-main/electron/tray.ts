import { Menu, nativeImage, Tray } from 'electron';
import type { Logger } from '../base/index.ts';
import type { ContributeSwitch } from './contribute-switch.ts';
import { trayBitmap } from './tray-icon.ts';
import { trayMenu } from './tray-menu.ts';

interface TrayInit {
  readonly contribute: ContributeSwitch | undefined;
  readonly show: () => void;
  readonly quit: () => void;
  readonly logger: Logger;
}

const SIDE = 22;

/** The icon beside the clock; undefined where the desktop has no place for one. */
export function openTray({ contribute, show, quit, logger }: TrayInit): { close(): void } | undefined {
  try {
    const tray = new Tray(icon());
    const failed = (error: unknown): void => logger.warn({ err: error }, 'contributing was not changed');
    const render = (): void => tray.setContextMenu(Menu.buildFromTemplate(trayMenu({
      contribute: contribute?.state(), nowMs: Date.now(),
      actions: { show, quit, contribute: (isOn) => void contribute?.set(isOn).catch(failed), pause: (forMs) => void contribute?.pause(forMs).catch(failed) },
    })));
    tray.setToolTip('OmniNode');
    tray.on('click', show);
    render();
    const off = contribute?.onChange(render);
    return { close: () => { off?.(); tray.destroy(); } };
  } catch (error) {
    logger.warn({ err: error }, 'there is no icon beside the clock');
    return undefined;
  }
}

function icon(): Electron.NativeImage {
  const kind = process.platform === 'darwin' ? 'template' : 'plain';
  const image = nativeImage.createEmpty();
  for (const scaleFactor of [1, 2]) {
    const side = SIDE * scaleFactor;
    image.addRepresentation({ scaleFactor, width: side, height: side, buffer: nativeImage.createFromBitmap(trayBitmap(side, kind), { width: side, height: side }).toPNG() });
  }
  image.setTemplateImage(kind === 'template');
  return image;
}
