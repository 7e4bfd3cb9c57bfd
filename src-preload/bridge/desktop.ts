import { z } from 'zod';

/** What only an app with a window of its own has. */
export const desktopSchema = z.object({
  openAtLogin: z.boolean(),
  /** False: a checkout, or a system without a way. */
  canOpenAtLogin: z.boolean(),
  /** The node goes on when the window is closed. */
  closeToTray: z.boolean(),
  hasTray: z.boolean(),
  notifications: z.boolean(),
});
export type Desktop = z.infer<typeof desktopSchema>;

export const desktopChangeSchema = z.strictObject({ openAtLogin: z.boolean().exactOptional(), closeToTray: z.boolean().exactOptional(), notifications: z.boolean().exactOptional() });
export type DesktopChange = z.infer<typeof desktopChangeSchema>;
