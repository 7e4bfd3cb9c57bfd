import { z } from 'zod';
import { command, nothing } from './command.ts';
import { desktopChangeSchema, desktopSchema } from './desktop.ts';
import { hubTokenSchema, hubTokenStateSchema } from './hub-token.ts';
import { joinPlanSchema } from './invite.ts';
import { JOIN_ERRORS } from './join-errors.ts';
import { id } from './primitives.ts';
import { updateStateSchema } from './update.ts';

const offered = z.strictObject({ id });
const KEEP = ['SECRET_UNREADABLE', 'SECRET_READABLE_BY_OTHERS', 'SECRET_SEALED'] as const;

/** What the app around the page does. Of a host that is served to browsers only the hub's token. */
export const shellCommands = {
  /** Joins by the link that was offered under that id, and by no other: a newer one may have come since. */
  'link.join': command(offered, joinPlanSchema, [...JOIN_ERRORS, 'HOST_LINK_GONE']),
  /** Forgets it. */
  'link.dismiss': command(offered, nothing),
  'desktop.get': command(nothing, desktopSchema),
  'desktop.set': command(desktopChangeSchema, desktopSchema, ['HOST_BAD_CONFIG', 'ELECTRON_LOGIN_ITEM_FAILED']),
  /** Ends the app in order, and opens it again. */
  'desktop.restart': command(nothing, nothing),
  /** Asks for a newer version now; goes on as `update.changed`. */
  'update.check': command(nothing, updateStateSchema),
  /** Ends the app, installs what was downloaded and opens it again. */
  'update.install': command(nothing, nothing, ['ELECTRON_NO_UPDATE']),
  'hubToken.get': command(nothing, hubTokenStateSchema, KEEP),
  /** Keeps a token for gated models, from now on; null forgets it. */
  'hubToken.set': command(z.strictObject({ token: hubTokenSchema.nullable() }), hubTokenStateSchema, KEEP),
} as const;
