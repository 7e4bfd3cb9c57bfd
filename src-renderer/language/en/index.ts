import { attachments } from './attachments.ts';
import { chat } from './chat.ts';
import { earnings } from './earnings.ts';
import { errors } from './errors.ts';
import { figures } from './figures.ts';
import { contribute } from './contribute.ts';
import { firstRun } from './first-run.ts';
import { frame } from './frame.ts';
import { help } from './help.ts';
import { invite } from './invite.ts';
import { logs } from './logs.ts';
import { message } from './message.ts';
import { network } from './network.ts';
import { palette } from './palette.ts';
import { pay } from './pay.ts';
import { about, apiKeys, choices, setting, settings } from './settings.ts';
import { shell } from './shell.ts';
import { sidebar } from './sidebar.ts';
import { status } from './status.ts';
import { pipeline } from './pipeline.ts';
import { wallet } from './wallet.ts';
import { models } from './models.ts';

/** All that the page says in English; other languages have the same shape. One file a view. */
export const en = { about, apiKeys, attachments, chat, choices, earnings, errors, figures, frame, help, invite, logs, message, network, palette, pay, setting, settings, shell, sidebar, status, pipeline, wallet, models, contribute, firstRun } as const;
