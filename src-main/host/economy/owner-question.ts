import type { Asked } from '../../chain/index.ts';
import type { OwnerQuestion } from '../../api/index.ts';
import type { EconomyHost } from './economy-host.ts';
import { subjectLines } from './subject-lines.ts';

/** What waits, for a terminal. */
export const question = ({ consents }: EconomyHost, { id, asker, subject }: Asked): OwnerQuestion => ({ id, lines: [`asked by   ${asker.name}`, ...subjectLines(subject)], needsPassword: consents.passwordNeeded(subject) !== undefined });
